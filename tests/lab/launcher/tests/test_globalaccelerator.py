"""Global Accelerator: where it answers, how endpoint groups are replaced, what its errors are called."""

from __future__ import annotations

from typing import Any

from .running_lab import PRIMARY, RECOVERY, LabTest, eventually
from .stack import Fleet


class GlobalAccelerator(LabTest):
    """Each test makes its own accelerator."""

    def setUp(self) -> None:
        self.ga = self.lab.client("globalaccelerator", "us-west-2")
        self.accelerator = self.ga.create_accelerator(
            Name="front", IdempotencyToken="t", Tags=[{"Key": "team", "Value": "shop"}]
        )["Accelerator"]
        self.arn = self.accelerator["AcceleratorArn"]
        self.listener = self.ga.create_listener(
            AcceleratorArn=self.arn,
            Protocol="TCP",
            PortRanges=[{"FromPort": 80, "ToPort": 80}],
            IdempotencyToken="t",
        )["Listener"]["ListenerArn"]

    def group(self, region: str, *endpoints: dict[str, Any]) -> str:
        """A new endpoint group's ARN."""
        made = self.ga.create_endpoint_group(
            ListenerArn=self.listener,
            EndpointGroupRegion=region,
            EndpointConfigurations=list(endpoints),
            IdempotencyToken="t",
        )
        return str(made["EndpointGroup"]["EndpointGroupArn"])

    def weights(self, group: str) -> dict[str, int]:
        """The weight of each endpoint of a group."""
        shown = self.ga.describe_endpoint_group(EndpointGroupArn=group)["EndpointGroup"]
        return {entry["EndpointId"]: entry["Weight"] for entry in shown["EndpointDescriptions"]}

    def test_an_accelerator_is_deployed_and_has_the_labs_address(self) -> None:
        self.assertEqual(
            (self.accelerator["Status"], self.accelerator["DnsName"]), ("DEPLOYED", "127.0.0.1:18080")
        )
        self.assertEqual(
            self.ga.list_tags_for_resource(ResourceArn=self.arn)["Tags"], [{"Key": "team", "Value": "shop"}]
        )

    def test_the_api_answers_in_one_region_only(self) -> None:
        elsewhere = self.lab.client("globalaccelerator", PRIMARY)
        self.assert_refused("InvalidSignatureException", elsewhere.list_accelerators)

    def test_an_update_replaces_the_whole_endpoint_list(self) -> None:
        group = self.group(PRIMARY, {"EndpointId": "a", "Weight": 128}, {"EndpointId": "b", "Weight": 10})
        self.ga.update_endpoint_group(
            EndpointGroupArn=group, EndpointConfigurations=[{"EndpointId": "a", "Weight": 0}]
        )
        self.assertEqual(self.weights(group), {"a": 0})
        self.ga.update_endpoint_group(EndpointGroupArn=group, TrafficDialPercentage=50)
        shown = self.ga.describe_endpoint_group(EndpointGroupArn=group)["EndpointGroup"]
        self.assertEqual((shown["TrafficDialPercentage"], self.weights(group)), (50, {"a": 0}))
        self.ga.update_endpoint_group(EndpointGroupArn=group, EndpointConfigurations=[{"EndpointId": "a"}])
        self.assertEqual(self.weights(group), {"a": 128})

    def test_weights_lie_between_0_and_255(self) -> None:
        group = self.group(PRIMARY, {"EndpointId": "a", "Weight": 255})
        # The SDK would refuse such a weight itself.
        client = self.lab.client("globalaccelerator", "us-west-2", parameter_validation=False)
        self.assert_refused(
            "InvalidArgumentException",
            client.update_endpoint_group,
            EndpointGroupArn=group,
            EndpointConfigurations=[{"EndpointId": "a", "Weight": 256}],
        )
        self.assertEqual(self.weights(group), {"a": 255})

    def test_what_is_missing_or_in_use_has_its_own_error(self) -> None:
        group = self.group(PRIMARY)
        self.assert_refused(
            "EndpointGroupNotFoundException", self.ga.describe_endpoint_group, EndpointGroupArn=f"{group}x"
        )
        self.assert_refused(
            "AcceleratorNotFoundException", self.ga.describe_accelerator, AcceleratorArn=f"{self.arn}x"
        )
        self.assert_refused(
            "EndpointGroupAlreadyExistsException",
            self.ga.create_endpoint_group,
            ListenerArn=self.listener,
            EndpointGroupRegion=PRIMARY,
            IdempotencyToken="u",
        )
        self.assert_refused(
            "AssociatedEndpointGroupFoundException", self.ga.delete_listener, ListenerArn=self.listener
        )
        self.assert_refused(
            "AcceleratorNotDisabledException", self.ga.delete_accelerator, AcceleratorArn=self.arn
        )
        self.ga.delete_endpoint_group(EndpointGroupArn=group)
        self.ga.delete_listener(ListenerArn=self.listener)
        self.ga.update_accelerator(AcceleratorArn=self.arn, Enabled=False)
        self.ga.delete_accelerator(AcceleratorArn=self.arn)
        self.assertNotIn(self.arn, [entry["arn"] for entry in self.lab.control("GET", "accelerators")])

    def test_a_target_group_without_a_healthy_target_spoils_the_whole_load_balancer(self) -> None:
        fleet = Fleet(self.lab, RECOVERY, "two-groups")
        load_balancer = fleet.load_balancer["LoadBalancerArn"]
        group = self.group(RECOVERY, {"EndpointId": load_balancer, "Weight": 0})

        def endpoint() -> dict[str, Any]:
            shown = self.ga.describe_endpoint_group(EndpointGroupArn=group)["EndpointGroup"]
            return dict(shown["EndpointDescriptions"][0])

        fleet.scale(1, 1, 1)
        eventually(lambda: endpoint()["HealthState"] == "INITIAL")
        self.assertEqual(endpoint()["HealthReason"], "InitialHealthChecking")
        eventually(lambda: endpoint()["HealthState"] == "HEALTHY")
        self.assertNotIn("HealthReason", endpoint())
        other = fleet.another_target_group()
        self.assertEqual((endpoint()["HealthState"], endpoint()["HealthReason"]), ("UNHEALTHY", "Failed"))
        fleet.drop(other)
        self.assertEqual(endpoint()["HealthState"], "HEALTHY")

    def test_an_endpoint_is_healthy_with_a_healthy_target_only(self) -> None:
        fleet = Fleet(self.lab, RECOVERY, "accelerated")
        load_balancer = fleet.load_balancer["LoadBalancerArn"]
        group = self.group(RECOVERY, {"EndpointId": load_balancer, "Weight": 0})

        def health() -> str:
            shown = self.ga.describe_endpoint_group(EndpointGroupArn=group)["EndpointGroup"]
            return str(shown["EndpointDescriptions"][0]["HealthState"])

        self.assertEqual(health(), "UNHEALTHY")
        fleet.scale(1, 1, 1)
        eventually(lambda: health() == "HEALTHY")
        shown = next(entry for entry in self.lab.control("GET", "accelerators") if entry["arn"] == self.arn)
        self.assertEqual(shown["dns_name"], "127.0.0.1:18080")
        self.assertEqual(
            shown["listeners"][0]["endpoint_groups"][0]["endpoints"],
            [{"id": load_balancer, "weight": 0, "health": "HEALTHY"}],
        )
        self.lose(RECOVERY)
        self.assertEqual(health(), "UNHEALTHY")
