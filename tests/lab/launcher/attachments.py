"""Which endpoints does an account share with accelerators of other accounts?"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

attachments: dict[str, Document] = {}


def create(owner: str, request: Document) -> Document:
    """A new attachment of an account."""
    arn = f"arn:aws:globalaccelerator::{owner}:attachment/{uuid.uuid4()}"
    attachments[arn] = {
        "AttachmentArn": arn,
        "Name": request.get("Name", ""),
        "Principals": list(request.get("Principals", [])),
        "Resources": list(request.get("Resources", [])),
        "CreatedTime": time.time(),
        "LastModifiedTime": time.time(),
    }
    return attachments[arn]


def shared_with(accelerator_arn: str) -> Iterator[tuple[str, str, str]]:
    """What an accelerator may have of others: the owner, the endpoint and the attachment of each."""
    account = accelerator_arn.split(":")[4]
    for arn, attachment in attachments.items():
        if {account, accelerator_arn} & set(attachment["Principals"]):
            for resource in attachment["Resources"]:
                yield arn.split(":")[4], resource.get("EndpointId", ""), arn


def is_admitted(accelerator_arn: str, configuration: Document) -> bool:
    """Whether an accelerator may have an endpoint: its own account's, or one shared with it."""
    parts = str(configuration.get("EndpointId", "")).split(":")
    owner = parts[4] if len(parts) > 5 else ""
    if not owner or owner == accelerator_arn.split(":")[4]:
        return True
    wanted = (owner, configuration["EndpointId"], configuration.get("AttachmentArn"))
    return wanted in set(shared_with(accelerator_arn))
