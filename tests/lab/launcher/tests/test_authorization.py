"""Conditions and actions whose meaning on AWS differs from the emulator's."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

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

    def test_a_put_is_judged_by_the_partition_it_goes_to(self) -> None:
        dynamodb = self.lab.client("dynamodb")
        attributes = [
            {"AttributeName": "plan", "AttributeType": "S"},
            {"AttributeName": "seq", "AttributeType": "N"},
        ]
        schema = [{"AttributeName": "plan", "KeyType": "HASH"}, {"AttributeName": "seq", "KeyType": "RANGE"}]
        table = dynamodb.create_table(
            TableName="log-of-keepers",
            AttributeDefinitions=attributes,
            KeySchema=schema,
            BillingMode="PAY_PER_REQUEST",
        )["TableDescription"]["TableArn"]
        condition = {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["shop#vitals"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
        keeper = self.role_that_may("dynamodb:PutItem", table, condition)
        mine = self.lab.client_of_role("dynamodb", keeper)

        def item(partition: str) -> dict[str, dict[str, str]]:
            return {"plan": {"S": partition}, "seq": {"N": "7"}}

        mine.put_item(TableName="log-of-keepers", Item=item("shop#vitals"))
        for foreign in ("shop", "shop#parameters", "shop#vitals-2"):
            with self.assertRaisesRegex(ClientError, "AccessDenied"):
                mine.put_item(TableName="log-of-keepers", Item=item(foreign))
        self.assertEqual(
            [found["plan"]["S"] for found in dynamodb.scan(TableName="log-of-keepers")["Items"]],
            ["shop#vitals"],
        )

    def test_a_topic_for_services_alone_takes_an_alarm_and_no_identity(self) -> None:
        sns, sqs = self.lab.client("sns"), self.lab.client("sqs")
        topic = sns.create_topic(Name="signals-of-services")["TopicArn"]
        queue = sqs.create_queue(QueueName="signals-of-services")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        publish = {"Action": "sns:Publish", "Resource": topic}
        allow = {**publish, "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}}
        deny = {
            **publish,
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
        admit = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        admitting = json.dumps({"Version": "2012-10-17", "Statement": [admit]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": admitting})
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        stranger = self.role_that_may("sns:Publish", topic, {})
        with self.assertRaisesRegex(ClientError, "AuthorizationError|AccessDenied"):
            self.lab.client_of_role("sns", stranger).publish(TopicArn=topic, Message="a forged OK")
        cloudwatch = self.lab.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName="of-services",
            Namespace="N",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            AlarmActions=[topic],
        )
        cloudwatch.set_alarm_state(AlarmName="of-services", StateValue="ALARM", StateReason="test")
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        self.assertEqual(len(messages), 1)
        self.assertIn("of-services", messages[0]["Body"])

    def test_who_may_read_a_reservation_may_not_set_it(self) -> None:
        reader = self.role_that_may("lambda:GetFunctionConcurrency", "*", {})
        mine = self.lab.client_of_role("lambda", reader)
        with self.assertRaisesRegex(ClientError, "ResourceNotFound"):
            mine.get_function_concurrency(FunctionName="nowhere")
        with self.assertRaisesRegex(ClientError, "PutFunctionConcurrency"):
            mine.put_function_concurrency(FunctionName="nowhere", ReservedConcurrentExecutions=0)
        with self.assertRaisesRegex(ClientError, "DeleteFunctionConcurrency"):
            mine.delete_function_concurrency(FunctionName="nowhere")

    def role_that_may(self, action: str, resource: str, condition: dict[str, dict[str, str | list[str]]]) -> str:
        """A role with one permission."""
        iam, name = self.lab.client("iam"), f"may-{action.replace(':', '-')}"
        anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = {"Version": "2012-10-17", "Statement": [anybody]}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        allow = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=policy)
        return str(role)
