"""Which answer does a function give to one of these events? Sends a file to a function of the local world that is up.

    python3 events/send.py events/sns-metric-alarm.json                  to the deployed function
    python3 events/send.py events/sns-metric-alarm.json --to watched     to the one that `make watch` serves
    python3 events/send.py events/operator-approve.json --set run=17     with a field of the command changed
    python3 events/send.py events/tick.json --function ssm-replicator    to another function

The events are of one day and of one plan, the shop's. What the shop's plan names (alarms, topics, databases, groups)
becomes what the plan of the local world has in its place, and the times move so that the event is of now. What the shop's
plan does not name stays as it is: a foreign account stays foreign, a stale alarm stale. --as-is changes nothing,
--show sends nothing.

Exit status: 0 the function answered, 1 it answered with an error, 2 it could not be asked.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "shared" / "protocol" / "tests" / "plans" / "both-ways.json"
WORLD = ROOT / ".lab" / "world.json"
WATCHED = "http://127.0.0.1:9000"
RECOVERY = "us-west-1"

# The moment at which the events happen: events/README.md.
HAPPENS_AT = datetime(2026, 11, 20, 10, 0, 0, tzinfo=timezone.utc)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")

# A function may be compiled when it is first invoked, which takes minutes.
SECONDS_MAX = 900


class CannotAsk(Exception):
    """The function could not be asked; the message says what helps."""


def function_for(name: str, event: object) -> str:
    """The function that a file is for, by its package."""
    steps = {"promote": "promote-replica", "quarantine": "promote-replica", "scale": "scale-asg", "restore": "scale-asg"}
    steps |= dict.fromkeys(("fence", "unfence", "open"), "shift-traffic")
    if found := re.match(r"sns-step-(\w+)", name):
        return steps.get(found[1], "alarm-handler")
    if name.startswith("snapshots-"):
        return "snapshot-scheduler"
    if name.startswith("witness-"):
        return "database-witness"
    if name.startswith("readiness-"):
        return "readiness-checker"
    if name.startswith("parameter-") or isinstance(event, dict) and event.get("command") in ("pass", "drift"):
        return "ssm-replicator"
    return "alarm-handler"


def moved_in_time(text: str, by: timedelta) -> str:
    """A text in which every time is later by so much, in the form that it has."""

    def later(found: re.Match[str]) -> str:
        written = found[0]
        zone = "Z" if written.endswith("Z") else re.search(r"[+-]\d\d:?\d\d$", written)[0]  # type: ignore[index]
        clock = written[: -len(zone)]
        head, _, fraction = clock.partition(".")
        moment = datetime.fromisoformat(head) + timedelta(microseconds=int(f"{fraction:0<6.6}")) + by
        digits = f".{moment.microsecond:06}"[: len(fraction) + 1] if fraction else ""
        return moment.isoformat(timespec="seconds").partition(".")[0] + digits + zone

    return TIME.sub(later, text)


def words_of(event: object, change) -> object:
    """The event with every text in it changed; the keys stay."""
    if isinstance(event, str):
        return change(event)
    if isinstance(event, list):
        return [words_of(item, change) for item in event]
    if isinstance(event, dict):
        return {key: words_of(value, change) for key, value in event.items()}
    return event


def same_place(ours: list[str], theirs: list[str]) -> dict[str, str]:
    """For each ARN of ours the one that theirs has in the same region; the last one where it has fewer."""
    pairs = {}
    for region in {arn.split(":")[3] for arn in ours}:
        there = [arn for arn in theirs if arn.split(":")[3] == region] or theirs
        for number, arn in enumerate(arn for arn in ours if arn.split(":")[3] == region):
            if there:
                pairs[arn] = there[min(number, len(there) - 1)]
    return pairs


def last_part(arn: str) -> str:
    """The name in an ARN of an alarm, a topic or an instance."""
    return arn.rsplit(":", 1)[-1]


def names(ours: dict, theirs: dict) -> dict[str, str]:
    """What is said instead of what, longest first: the names that two plans have in the same places."""
    pairs = same_place(ours["detection"].get("topics", []), theirs["detection"].get("topics", []))
    for side in ("primary", "recovery"):
        alarms = [plan["detection"]["sides"][side].get("alarms", []) for plan in (ours, theirs)]
        databases = [[database["sides"][side]["arn"] for database in plan["databases"]] for plan in (ours, theirs)]
        fleets = [[fleet["sides"].get(side, {}).get("group") for fleet in plan["fleets"]] for plan in (ours, theirs)]
        pairs |= same_place(*alarms) | same_place(*databases)
        pairs |= {group: other for group, other in zip(*fleets, strict=False) if group and other}
    # An alarm and an instance are named without their ARN too. A topic is not: its name alone says nothing.
    bare = {last_part(a): last_part(b) for a, b in pairs.items() if a.startswith("arn:") and ":sns:" not in a}
    pairs |= {name: other for name, other in bare.items() if name not in pairs}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))


def renamed(text: str, pairs: dict[str, str]) -> str:
    """A text with names replaced, each where it is a whole name, all at once."""
    if not pairs:
        return text
    # A name is not found inside a longer one, nor an instance in the ARN of another account.
    pattern = re.compile(r"(?<![\w/:-])(?:" + "|".join(map(re.escape, pairs)) + r")(?![\w/-])")
    return pattern.sub(lambda found: pairs[found[0]], text)


def filled_in(event: object, plan: dict, now: datetime) -> object:
    """The event as it would be today in the world of a plan."""
    shop = json.loads(SHOP.read_text(encoding="utf-8"))
    pairs, by = names(shop, plan), now - HAPPENS_AT
    return words_of(event, lambda text: moved_in_time(renamed(text, pairs), by))


def scope(service: str) -> dict[str, str]:
    """The header by which the local world knows which service of which region is meant."""
    day = datetime.now(timezone.utc).strftime("%Y%m%d")
    credential = f"test/{day}/{RECOVERY}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def ask(url: str, body: bytes | None, headers: dict[str, str]) -> tuple[bytes, bool]:
    """The answer, and whether it is an error of the function."""
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:
            return answer.read(), "X-Amz-Function-Error" in answer.headers
    except urllib.error.HTTPError as error:
        said = error.read()
        if error.headers.get("X-Amz-Function-Error") or b"errorMessage" in said:
            return said, True
        raise CannotAsk(f"{url} answered {error.code}: {said.decode(errors='replace')[:300]}") from error
    except OSError as error:
        raise CannotAsk(f"{url} does not answer ({error}); {REMEDY}") from error


REMEDY = "start the local world with: make lab (and the functions from source with: make watch)"


def world() -> dict:
    """The note of the world that is up."""
    try:
        return json.loads(WORLD.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotAsk(f"no world is up; {REMEDY}") from error


def plan_of(note: dict) -> dict:
    """The plan that the deployed alarm-handler reads."""
    endpoint, name = note["endpoint_url"], note["functions"]["alarm-handler"]
    said, _ = ask(f"{endpoint}/2015-03-31/functions/{name}/configuration", None, scope("lambda"))
    variables = json.loads(said)["Environment"]["Variables"]
    prefix, parts = variables["PILOTLIGHT_PLAN_PARAMETER"], int(variables["PILOTLIGHT_PLAN_PARTS"])
    values = {}
    for first in range(0, parts, 10):
        wanted = [f"{prefix}/{part}" for part in range(first, min(first + 10, parts))]
        body = json.dumps({"Names": wanted, "WithDecryption": True}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameters"}
        said, _ = ask(endpoint, body, headers | scope("ssm"))
        values |= {found["Name"]: found["Value"] for found in json.loads(said)["Parameters"]}
    return json.loads("".join(values[f"{prefix}/{part}"] for part in range(parts)))


def invoke(function: str, event: object, to: str, note: dict) -> tuple[object, bool]:
    """What the function answers, and whether that is an error."""
    if to == "watched":
        url, headers = f"{WATCHED}/2015-03-31/functions/{function}/invocations", {}
    else:
        if function not in note["functions"]:
            raise CannotAsk(f"there is no function {function}; say one of: {', '.join(note['functions'])}")
        deployed = note["functions"][function]
        url, headers = f"{note['endpoint_url']}/2015-03-31/functions/{deployed}/invocations", scope("lambda")
    said, is_error = ask(url, json.dumps(event).encode(), headers | {"Content-Type": "application/json"})
    answer = json.loads(said)
    return answer, is_error or isinstance(answer, dict) and "errorMessage" in answer


def with_fields(event: object, fields: list[str]) -> object:
    """The event with fields of its own set; a value is JSON, or else a text."""
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals or not isinstance(event, dict):
            raise CannotAsk(f"--set {field}: say FIELD=VALUE, for an event that is an object")
        try:
            event = {**event, name: json.loads(value)}
        except ValueError:
            event = {**event, name: value}
    return event


def main(arguments: list[str]) -> int:
    """Sends what is asked for."""
    parser = argparse.ArgumentParser(
        description="Sends one of these events to a function of the local world.",
        epilog="Names and times are filled in from the world's own plan; see events/README.md.",
    )
    parser.add_argument("file", type=Path, help="the event, such as events/sns-metric-alarm.json")
    parser.add_argument("--to", choices=("deployed", "watched"), default="deployed")
    parser.add_argument("--function", help="the function's package; without it, the one that the file is for")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a field of an operator's command")
    parser.add_argument("--as-is", action="store_true", help="change neither names nor times")
    parser.add_argument("--show", action="store_true", help="print what would be sent, and send nothing")
    wishes = parser.parse_args(arguments)
    try:
        path = wishes.file if wishes.file.exists() else Path(__file__).parent / wishes.file.name
        event = json.loads(path.read_text(encoding="utf-8"))
        function = wishes.function or function_for(path.name, event)
        note = world()
        if not wishes.as_is:
            event = filled_in(event, plan_of(note), datetime.now(timezone.utc))
        event = with_fields(event, wishes.set)
        if wishes.show:
            print(json.dumps(event, indent=2))
            return 0
        answer, is_error = invoke(function, event, wishes.to, note)
    except (CannotAsk, OSError, ValueError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2))
    return 1 if is_error else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
