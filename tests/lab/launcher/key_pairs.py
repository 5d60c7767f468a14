"""What is kept of a key pair: its tags?"""

from __future__ import annotations

import re
from typing import Any

from ministack.services import ec2

Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Registers the actions with the emulator."""
    for action in ("CreateKeyPair", "ImportKeyPair"):
        ec2._ACTION_MAP[action] = _tagging(ec2._ACTION_MAP[action])
    delete, describe = ec2._delete_key_pair, ec2._describe_key_pairs
    ec2._ACTION_MAP["DeleteKeyPair"] = lambda params: _delete(delete, params)
    ec2._ACTION_MAP["DescribeKeyPairs"] = lambda params: _describe(describe, params)


def _tagging(original: Any) -> Any:
    def made(params: dict[str, Any]) -> Answer:
        answer: Answer = original(params)
        pair = ec2._key_pairs.get(ec2._p(params, "KeyName"))
        if answer[0] == 200 and pair is not None:
            ec2._parse_tag_specs(params, "key-pair", pair["KeyPairId"])
        return answer

    return made


def _delete(original: Any, params: dict[str, Any]) -> Answer:
    pair = ec2._key_pairs.get(ec2._p(params, "KeyName"))
    if pair is not None:
        ec2._tags.pop(pair["KeyPairId"], None)
    answer: Answer = original(params)
    return answer


def _describe(original: Any, params: dict[str, Any]) -> Answer:
    status, headers, body = original(params)
    text = re.sub(
        r"<keyPairId>([^<]+)</keyPairId>", lambda found: found[0] + ec2._tag_set_xml(found[1]), body.decode()
    )
    return status, headers, text.encode()
