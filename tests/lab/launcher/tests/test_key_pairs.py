"""Key pairs: their tags are shown, and go with them."""

from __future__ import annotations

from .running_lab import LabTest


class KeyPairs(LabTest):
    """As Terraform makes and reads them."""

    def test_tags_are_shown_until_the_pair_is_deleted(self) -> None:
        ec2 = self.lab.client("ec2")
        tags = [{"Key": "fleet", "Value": "web"}]
        for _ in range(2):
            ec2.import_key_pair(
                KeyName="tagged",
                PublicKeyMaterial=b"ssh-ed25519 AAAA",
                TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}],
            )
            pair = ec2.describe_key_pairs(KeyNames=["tagged"])["KeyPairs"][0]
            self.assertEqual((pair["KeyName"], pair["Tags"]), ("tagged", tags))
            ec2.delete_key_pair(KeyName="tagged")
            tags = []
        self.assert_refused("InvalidKeyPair.NotFound", ec2.describe_key_pairs, KeyNames=["tagged"])
