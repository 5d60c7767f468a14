"""Under which addresses do load balancers and queues answer?"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ministack.core.arn import parse_arn
from ministack.services import alb, sqs

from .settings import Settings


def install(settings: Settings) -> None:
    """Gives load balancers their region's site as DNS name, and queues a URL at the lab's one endpoint."""
    render = alb._lb_xml

    def with_site_address(load_balancer: dict[str, Any]) -> str:
        address = settings.site_address(parse_arn(load_balancer["LoadBalancerArn"]).region)
        if address is not None:
            load_balancer["DNSName"] = address
        return render(load_balancer)

    alb._lb_xml = with_site_address

    endpoint = urlsplit(settings.endpoint_url)
    sqs.DEFAULT_HOST, sqs.DEFAULT_PORT = endpoint.hostname, endpoint.port or 80
