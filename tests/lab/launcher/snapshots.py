"""What do snapshots of instances do beyond the emulator: take their time, cross regions, come in pages?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from .heartbeat import Heartbeat
from .rds import Answer, _lock
from .settings import SNAPSHOT_COPY_SECONDS, SNAPSHOT_SECONDS
from .world import World

Snapshot = dict[str, Any]

COPIES_MAX = 20
"""Copies under way into one region of an account, as AWS has it."""

# AWS leaves out what it doesn't know yet; the emulator writes it empty, which is no time.
_ABSENT_WHEN_EMPTY = re.compile(
    r"<(SnapshotCreateTime|OriginalSnapshotCreateTime|SnapshotDatabaseTime|KmsKeyId)></\1>"
)


def install(world: World, heartbeat: Heartbeat) -> None:
    """Registers the actions with the emulator and starts the passing of time."""
    render, create, delete = rds._snapshot_xml, rds._create_db_snapshot, rds._delete_db_snapshot
    describe = rds._describe_db_snapshots

    rds._snapshot_xml = lambda snapshot: _xml(render, snapshot)
    rds._ACTION_MAP["CreateDBSnapshot"] = lambda params: _create(create, params)
    rds._ACTION_MAP["CopyDBSnapshot"] = _copy
    rds._ACTION_MAP["DeleteDBSnapshot"] = lambda params: _delete(delete, params)
    rds._ACTION_MAP["DescribeDBSnapshots"] = lambda params: _describe(describe, params)
    heartbeat.every(0.1, lambda: _advance(world))


def _all() -> Iterator[tuple[str, str, Snapshot]]:
    """Every snapshot with the account and region it lies in."""
    for (account, region, _name), snapshot in list(rds._snapshots.all_items()):
        yield account, region, snapshot


def _xml(render: Any, snapshot: Snapshot) -> str:
    xml = _ABSENT_WHEN_EMPTY.sub("", render(snapshot))
    if source := snapshot.get("SourceDBSnapshotIdentifier"):
        region = parse_arn(source).region
        xml += f"<SourceRegion>{region}</SourceRegion>"
        xml += f"<SourceDBSnapshotIdentifier>{source}</SourceDBSnapshotIdentifier>"
    return xml


def _refuse_tags(params: dict[str, Any]) -> Answer | None:
    for tag in rds._parse_tags(params):
        if tag["Key"].lower().startswith("aws:"):
            return rds._error("InvalidParameterValue", "The tag key prefix aws: is reserved for AWS.", 400)
        if not re.fullmatch(r"[\w\s.:/=+\-@]*", tag["Value"]):
            return rds._error("InvalidParameterValue", f"The value of tag {tag['Key']} is not valid.", 400)
    return None


# ---- taking ---------------------------------------------------------------------------------------


def _create(original: Any, params: dict[str, Any]) -> Answer:
    """CreateDBSnapshot: the instance must be available, and is backing up meanwhile."""
    if refusal := _refuse_tags(params):
        return refusal
    with _lock:
        instance = rds._resolve_instance(rds._p(params, "DBInstanceIdentifier"))
        name = rds._p(params, "DBSnapshotIdentifier")
        is_new = instance is not None and name not in rds._snapshots
        if is_new and instance["DBInstanceStatus"] != "available":
            message = f"Instance {instance['DBInstanceIdentifier']} is not currently in the available state."
            return rds._error("InvalidDBInstanceState", message, 400)
        answer = original(params)
        if answer[0] != 200 or instance is None:
            return answer
        snapshot = rds._snapshots[name]
        _begin(snapshot, "creating")
        instance["DBInstanceStatus"] = "backing-up"
        return _answer("CreateDBSnapshot", snapshot)


def _begin(snapshot: Snapshot, status: str) -> None:
    """Puts a snapshot at its beginning; what AWS doesn't know yet is taken away until it is done."""
    late = ("SnapshotCreateTime", "OriginalSnapshotCreateTime", "SnapshotDatabaseTime")
    snapshot["_lab_late"] = {key: snapshot.get(key, "") for key in late}
    snapshot["_lab_started_at"] = time.time()
    snapshot.update(dict.fromkeys(late, ""), Status=status, PercentProgress=0)


def _answer(action: str, snapshot: Snapshot) -> Answer:
    body = f"<{action}Result><DBSnapshot>{rds._snapshot_xml(snapshot)}</DBSnapshot></{action}Result>"
    answer: Answer = rds._xml(200, f"{action}Response", body)
    return answer


# ---- copying --------------------------------------------------------------------------------------


def _copy(params: dict[str, Any]) -> Answer:
    """CopyDBSnapshot, called in the region of the copy, with the original by name or by ARN."""
    wanted, name = rds._p(params, "SourceDBSnapshotIdentifier"), rds._p(params, "TargetDBSnapshotIdentifier")
    with _lock:
        original = _resolve(wanted)
        if original is None:
            return rds._error("DBSnapshotNotFound", f"DBSnapshot {wanted} not found.", 404)
        if refusal := _refuse_copy(original, name, params) or _refuse_tags(params):
            return refusal
        key = rds._p(params, "KmsKeyId")
        region, account = get_region(), get_account_id()
        inherited = [tag for tag in original.get("TagList", []) if not tag["Key"].startswith("aws:")]
        tags = rds._parse_tags(params) or (inherited if rds._p(params, "CopyTags") == "true" else [])
        copy = {
            **{field: value for field, value in original.items() if not field.startswith("_lab")},
            "DBSnapshotIdentifier": name,
            "DBSnapshotArn": f"arn:aws:rds:{region}:{account}:snapshot:{name}",
            "AvailabilityZone": f"{region}a",
            "SourceDBSnapshotIdentifier": original["DBSnapshotArn"],
            "SnapshotCreateTime": rds._format_time(time.time()),
            "TagList": tags,
        }
        if key:
            copy.update(KmsKeyId=key, Encrypted=True, StorageEncrypted=True)
        rds._snapshots[name] = copy
        rds._tags[copy["DBSnapshotArn"]] = tags
        _begin(copy, "copying")
        return _answer("CopyDBSnapshot", copy)


def _resolve(name: str) -> Snapshot | None:
    try:
        arn = parse_arn(name)
    except ArnParseError:
        found: Snapshot | None = rds._snapshots.get(name)
        return found
    return rds._snapshots.get_scoped(arn.account_id, arn.region, arn.resource.partition(":")[2])


def _refuse_copy(original: Snapshot, name: str, params: dict[str, Any]) -> Answer | None:
    if name in rds._snapshots:
        return rds._error("DBSnapshotAlreadyExists", f"Snapshot {name} already exists.", 400)
    if original["Status"] != "available":
        message = f"Snapshot {original['DBSnapshotIdentifier']} is in {original['Status']} state."
        return rds._error("InvalidDBSnapshotState", message, 400)
    region, key = get_region(), rds._p(params, "KmsKeyId")
    is_foreign = parse_arn(original["DBSnapshotArn"]).region != region
    if is_foreign and original.get("Encrypted") and not key:
        message = "KmsKeyId must be specified to copy an encrypted snapshot to another region."
        return rds._error("InvalidParameterCombination", message, 400)
    if key.startswith("arn:") and parse_arn(key).region != region:
        return rds._error("KMSKeyNotAccessibleFault", f"The key {key} is of another region.", 400)
    under_way = sum(place == region and found["Status"] == "copying" for _account, place, found in _all())
    if is_foreign and under_way >= COPIES_MAX:
        message = f"Cannot copy more than {COPIES_MAX} snapshots across regions simultaneously."
        return rds._error("SnapshotQuotaExceeded", message, 400)
    return None


# ---- time, listing and deletion -------------------------------------------------------------------


def _advance(world: World) -> None:
    """Moves everything on that is being taken or copied."""
    for account, region, snapshot in _all():
        started_at = snapshot.get("_lab_started_at")
        if started_at is None:
            continue
        is_copy = snapshot["Status"] == "copying"
        real = SNAPSHOT_COPY_SECONDS if is_copy else SNAPSHOT_SECONDS
        whole = real * world.settings.snapshot_scale
        elapsed = time.time() - started_at
        instance = rds._instances.get_scoped(account, region, snapshot["DBInstanceIdentifier"]) or {}
        if is_copy:
            must_fail = world.is_lost(parse_arn(snapshot["SourceDBSnapshotIdentifier"]).region)
        else:
            must_fail = instance.get("_lab_snapshots_fail", False)
        if must_fail:
            _end(snapshot, "failed")
        elif elapsed < whole or "_lab_copying" in snapshot:
            snapshot["PercentProgress"] = min(99, int(100 * elapsed / whole))
        else:
            _end(snapshot, "available")
        if not is_copy and "_lab_started_at" not in snapshot:
            _release(account, region, snapshot)


def fail(region: str, name: str) -> bool:
    """Has a snapshot that is being taken or copied fail; False when there is none."""
    for account, place, snapshot in _all():
        if (place, snapshot["DBSnapshotIdentifier"]) == (region, name) and "_lab_started_at" in snapshot:
            _end(snapshot, "failed")
            _release(account, region, snapshot)
            return True
    return False


def _release(account: str, region: str, snapshot: Snapshot) -> None:
    """The instance of a snapshot that is no longer being taken backs up no more."""
    instance = rds._instances.get_scoped(account, region, snapshot["DBInstanceIdentifier"])
    if instance and instance["DBInstanceStatus"] == "backing-up":
        instance["DBInstanceStatus"] = "available"


def _end(snapshot: Snapshot, status: str) -> None:
    with _lock:
        snapshot.pop("_lab_started_at", None)
        late = snapshot.pop("_lab_late", {})
        snapshot["Status"] = status
        if status == "available":
            snapshot.update(late, PercentProgress=100)


def _describe(original: Any, params: dict[str, Any]) -> Answer:
    """DescribeDBSnapshots in pages, as AWS gives them."""
    most = rds._p(params, "MaxRecords") or "100"
    if not (most.isdigit() and 20 <= int(most) <= 100):
        return rds._error("InvalidParameterValue", "MaxRecords must be between 20 and 100.", 400)
    status, headers, body = original(params)
    if status != 200:
        return status, headers, body
    text = body.decode()
    found = re.findall(r"<DBSnapshot>.*?</DBSnapshot>", text, re.DOTALL)
    first = int(rds._p(params, "Marker") or 0)
    last = first + int(most)
    marker = f"<Marker>{last}</Marker>" if last < len(found) else ""
    page = f"<DBSnapshots>{''.join(found[first:last])}</DBSnapshots>{marker}"
    answer: Answer = rds._xml(
        200, "DescribeDBSnapshotsResponse", f"<DescribeDBSnapshotsResult>{page}</DescribeDBSnapshotsResult>"
    )
    return answer


def _delete(original: Any, params: dict[str, Any]) -> Answer:
    """DeleteDBSnapshot: not while it is being taken; copies of it that are under way fail."""
    with _lock:
        snapshot = rds._snapshots.get(rds._p(params, "DBSnapshotIdentifier"))
        if snapshot is not None and snapshot["Status"] == "creating":
            message = f"Snapshot {snapshot['DBSnapshotIdentifier']} is in creating state."
            return rds._error("InvalidDBSnapshotState", message, 400)
        answer: Answer = original(params)
        if answer[0] == 200 and snapshot is not None:
            for _account, _region, copy in _all():
                is_of_it = copy.get("SourceDBSnapshotIdentifier") == snapshot["DBSnapshotArn"]
                if is_of_it and copy["Status"] == "copying":
                    _end(copy, "failed")
    return answer
