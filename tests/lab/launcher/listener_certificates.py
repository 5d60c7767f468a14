"""Which certificates does a listener have? The emulator keeps them and has no call that lists them."""

from __future__ import annotations

from typing import Any

from ministack.services import alb

from .query_protocol import to_xml


def install() -> None:
    """Registers the call."""
    alb._ACTION_MAP["DescribeListenerCertificates"] = _describe


def _describe(params: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """DescribeListenerCertificates: the listener's own certificate is the first, and the default."""
    listener = alb._listeners.get(alb._p(params, "ListenerArn"))
    if listener is None:
        return alb._error("ListenerNotFound", "One or more listeners not found")
    certificates = [
        {"CertificateArn": arn, "IsDefault": number == 0}
        for number, arn in enumerate(listener.get("Certificates", []))
    ]
    return alb._xml(200, "DescribeListenerCertificates", to_xml({"Certificates": certificates}))
