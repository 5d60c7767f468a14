"""What IAM would allow a role, asked without doing it."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from .running_lab import RECOVERY, LabTest

MINE = "arn:aws:rds:us-west-1:123456789012:db:mine"
YOURS = "arn:aws:rds:us-west-1:123456789012:db:yours"


class Simulation(LabTest):
    """A role that may promote one database in one region, and one that may ask about it."""

    def setUp(self) -> None:
        in_region = {"StringEquals": {"aws:RequestedRegion": RECOVERY}}
        promote = {
            "Effect": "Allow",
            "Action": "rds:PromoteReadReplica",
            "Resource": MINE,
            "Condition": in_region,
        }
        self.promoter = self.role("promoter", promote)
        ask = {"Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": self.promoter}
        self.asker = self.role("asker", ask)

    def role(self, name: str, statement: dict[str, object]) -> str:
        iam = self.lab.client("iam")
        anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
        try:
            arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
        except iam.exceptions.EntityAlreadyExistsException:
            arn = str(iam.get_role(RoleName=name)["Role"]["Arn"])
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy)
        return arn

    def test_a_key_of_a_service_counts_where_it_is_given(self) -> None:
        key = "arn:aws:kms:us-west-1:123456789012:key/0a1b"
        for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        copier = self.role(
            "copier", {"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": key, "Condition": for_aws}
        )
        for given, expected in ((["true"], "allowed"), (["false"], "implicitDeny"), ([], "implicitDeny")):
            entry = {"ContextKeyName": "kms:GrantIsForAWSResource", "ContextKeyType": "boolean"}
            results = self.lab.client("iam").simulate_principal_policy(
                PolicySourceArn=copier,
                ActionNames=["kms:CreateGrant"],
                ResourceArns=[key],
                ContextEntries=[{**entry, "ContextKeyValues": given}] if given else [],
            )["EvaluationResults"]
            self.assertEqual([result["EvalDecision"] for result in results], [expected], given)

    def decisions(self, region: str) -> dict[str, str]:
        results = self.lab.client("iam").simulate_principal_policy(
            PolicySourceArn=self.promoter,
            ActionNames=["rds:PromoteReadReplica"],
            ResourceArns=[MINE, YOURS],
            ContextEntries=[
                {
                    "ContextKeyName": "aws:RequestedRegion",
                    "ContextKeyValues": [region],
                    "ContextKeyType": "string",
                }
            ],
        )["EvaluationResults"]
        return {result["EvalResourceName"]: result["EvalDecision"] for result in results}

    def test_each_resource_has_its_decision_and_the_region_counts(self) -> None:
        self.assertEqual(self.decisions(RECOVERY), {MINE: "allowed", YOURS: "implicitDeny"})
        self.assertEqual(self.decisions("us-east-2"), {MINE: "implicitDeny", YOURS: "implicitDeny"})

    def test_a_denial_is_explicit_and_a_role_that_is_gone_is_not_found(self) -> None:
        self.role("promoter", {"Effect": "Deny", "Action": "rds:*", "Resource": "*"})
        self.assertEqual(self.decisions(RECOVERY), {MINE: "explicitDeny", YOURS: "explicitDeny"})
        iam = self.lab.client("iam")
        with self.assertRaises(iam.exceptions.NoSuchEntityException):
            nobody = "arn:aws:iam::123456789012:role/nobody"
            iam.simulate_principal_policy(PolicySourceArn=nobody, ActionNames=["rds:PromoteReadReplica"])

    def test_who_may_ask_of_one_role_may_not_ask_of_another(self) -> None:
        mine = self.lab.client_of_role("iam", self.asker)
        actions = ["rds:PromoteReadReplica"]
        mine.simulate_principal_policy(PolicySourceArn=self.promoter, ActionNames=actions)
        with self.assertRaises(ClientError) as refused:
            mine.simulate_principal_policy(PolicySourceArn=self.asker, ActionNames=actions)
        self.assertIn("AccessDenied", str(refused.exception))
