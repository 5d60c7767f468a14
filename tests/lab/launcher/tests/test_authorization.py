"""Conditions and actions whose meaning on AWS differs from the emulator's."""

from __future__ import annotations

import json

from .running_lab import LabTest


class Authorization(LabTest):
    """A role that may publish, by a topic policy which asks for TLS and for the role's own ARN."""

    def test_a_role_publishes_a_batch_over_what_counts_as_tls(self) -> None:
        iam, sns = self.lab.client("iam"), self.lab.client("sns")
        anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [anybody]}
        role = iam.create_role(RoleName="publisher", AssumeRolePolicyDocument=json.dumps(trust))["Role"][
            "Arn"
        ]
        topic = sns.create_topic(Name="commands-of-publisher")["TopicArn"]
        allow = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
        policy = {"Version": "2012-10-17", "Statement": [allow]}
        iam.put_role_policy(RoleName="publisher", PolicyName="publish", PolicyDocument=json.dumps(policy))
        deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
        denials = [
            {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {**deny, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}}},
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": denials})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
        mine = self.lab.client_of_role("sns", role)
        answer = mine.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "m"}])
        self.assertEqual([entry["Id"] for entry in answer["Successful"]], ["1"])
