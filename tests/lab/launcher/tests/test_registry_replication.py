"""Where a registry copies its images to: kept for each region, and refused where AWS refuses it."""

from __future__ import annotations

from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, LabTest


def to(region: str) -> dict[str, Any]:
    """One rule that copies everything below shop/ to a region."""
    destination = {"region": region, "registryId": ACCOUNT}
    return {
        "destinations": [destination],
        "repositoryFilters": [{"filter": "shop/", "filterType": "PREFIX_MATCH"}],
    }


class RegistryReplication(LabTest):
    """What Terraform sets, reads and takes back."""

    def test_each_region_has_its_own_rules_until_they_are_taken_back(self) -> None:
        here, there = self.lab.client("ecr", PRIMARY), self.lab.client("ecr", RECOVERY)
        here.put_replication_configuration(replicationConfiguration={"rules": [to(RECOVERY)]})
        self.assertEqual(here.describe_registry()["replicationConfiguration"], {"rules": [to(RECOVERY)]})
        self.assertEqual(there.describe_registry()["replicationConfiguration"], {"rules": []})
        here.put_replication_configuration(replicationConfiguration={"rules": []})
        self.assertEqual(here.describe_registry()["replicationConfiguration"], {"rules": []})

    def test_a_registry_is_not_copied_to_itself(self) -> None:
        here = self.lab.client("ecr", PRIMARY)
        self.assert_refused(
            "InvalidParameterException",
            here.put_replication_configuration,
            replicationConfiguration={"rules": [to(PRIMARY)]},
        )
