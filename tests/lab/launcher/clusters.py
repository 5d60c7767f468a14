"""What does EKS make with a cluster: its security group, and what is kept of the request?"""

from __future__ import annotations

from typing import Any

from ministack.services import ec2, eks


def install() -> None:
    """Registers the security group of a cluster, which comes and goes with it, with the emulator."""
    create, delete = eks._create_cluster, eks._delete_cluster
    eks._create_cluster = lambda body, creator=None: _create(create, body, creator)
    eks._delete_cluster = lambda name: _delete(delete, name)


def _create(original: Any, body: dict[str, Any], creator: Any) -> Any:
    name = body.get("name", "")
    is_new = name not in eks._clusters
    answer = original(body, creator)
    cluster = eks._clusters.get(name)
    if not is_new or cluster is None:
        return answer
    cluster["upgradePolicy"] = body.get("upgradePolicy") or {"supportType": "EXTENDED"}
    config = cluster["resourcesVpcConfig"]
    config["vpcId"] = _vpc_of(config["subnetIds"]) or config["vpcId"]
    group = ec2._new_sg_id()
    config["clusterSecurityGroupId"] = group
    rule = {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
    ec2._security_groups[group] = {
        "GroupId": group,
        "GroupName": f"eks-cluster-sg-{name}-{group[3:12]}",
        "Description": "EKS created security group applied to ENI that is attached to the control plane "
        "of the cluster, as well as to its nodes.",
        "VpcId": config["vpcId"],
        "OwnerId": eks.get_account_id(),
        # It admits itself, and nothing else, until somebody adds a rule.
        "IpPermissions": [{**rule, "UserIdGroupPairs": [{"GroupId": group, "UserId": eks.get_account_id()}]}],
        "IpPermissionsEgress": [{**rule, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    }
    return eks._describe_cluster(name)


def _vpc_of(subnets: list[str]) -> str:
    """The network in which a cluster's subnets lie; empty where nobody knows them."""
    known = (ec2._subnets.get(subnet) for subnet in subnets)
    return next((str(subnet["VpcId"]) for subnet in known if subnet), "")


def _delete(original: Any, name: str) -> Any:
    cluster = eks._clusters.get(name)
    answer = original(name)
    if cluster is not None:
        ec2._security_groups.pop(cluster["resourcesVpcConfig"]["clusterSecurityGroupId"], None)
    return answer
