"""How does an AWS service report something to EventBridge?"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge

logger = logging.getLogger("lab.service_events")


def publish(
    account: str, region: str, source: str, detail_type: str, resources: list[str], detail: dict[str, Any]
) -> None:
    """Puts an event of an AWS service on the default bus of the region: best effort, as on AWS."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
        "EventBusName": "default",
    }
    try:
        with request_scope(account, region):
            eventbridge._ensure_default_bus()
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        logger.exception("event %r of %s was not delivered", detail_type, source)
