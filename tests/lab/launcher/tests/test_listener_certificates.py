"""The certificates of a listener, by the call that lists them."""

from __future__ import annotations

from botocore.exceptions import ClientError

from .running_lab import LabTest


class ListenerCertificates(LabTest):
    """A load balancer with a listener that speaks TLS."""

    def test_a_listener_tells_its_certificate_and_one_that_is_gone_is_not_found(self) -> None:
        ec2, elb = self.lab.client("ec2"), self.lab.client("elbv2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        blocks = ["10.9.1.0/24", "10.9.2.0/24"]
        subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"] for block in blocks]
        balancer = elb.create_load_balancer(Name="tls", Subnets=subnets)["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        target = {"Name": "tls", "Protocol": "HTTP", "Port": 80, "VpcId": vpc}
        group = elb.create_target_group(**target)["TargetGroups"][0]["TargetGroupArn"]
        certificate = self.lab.client("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
        listener = elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTPS",
            Port=443,
            Certificates=[{"CertificateArn": certificate}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )["Listeners"][0]["ListenerArn"]
        listed = elb.describe_listener_certificates(ListenerArn=listener)["Certificates"]
        self.assertEqual(listed, [{"CertificateArn": certificate, "IsDefault": True}])
        with self.assertRaises(ClientError) as refused:
            elb.describe_listener_certificates(ListenerArn=f"{listener}gone")
        self.assertEqual(refused.exception.response["Error"]["Code"], "ListenerNotFound")
