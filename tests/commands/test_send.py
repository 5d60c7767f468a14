"""An event is sent as it would be today in the world that is up, and the answer is shown."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from commands.checkout import ROOT, program

send = program("events/send.py")

NOW = datetime(2027, 2, 28, 23, 59, 58, 500_000, tzinfo=timezone.utc)
ALARM = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:web-unhealthy"
TOPIC = "arn:aws:sns:us-east-2:123456789012:lab-signals"


def lab_plan() -> dict:
    """A plan with one of everything, under names of its own."""
    plan = json.loads(send.SHOP.read_text(encoding="utf-8"))
    plan["detection"]["sides"]["primary"]["alarms"] = [ALARM, "arn:aws:cloudwatch:us-west-1:123456789012:alarm:replica-lag"]
    plan["detection"]["topics"] = [TOPIC, "arn:aws:sns:us-west-1:123456789012:lab-signals"]
    plan["databases"] = plan["databases"][:1]
    plan["databases"][0]["sides"] = {
        "primary": {"arn": "arn:aws:rds:us-east-2:123456789012:db:lab-orders"},
        "recovery": {"arn": "arn:aws:rds:us-west-1:123456789012:db:lab-orders-replica"},
    }
    # One side may be missing.
    del plan["fleets"][0]["sides"]["primary"]
    plan["fleets"][0]["sides"]["recovery"]["group"] = "lab-web"
    return plan


def event(name: str) -> dict:
    return json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))


def filled(name: str) -> dict:
    return send.filled_in(event(name), lab_plan(), NOW)


class FilledIn(unittest.TestCase):
    """Names and times."""

    def test_an_alarm_by_sns_is_an_alarm_of_the_world_and_of_now(self) -> None:
        record = filled("sns-metric-alarm.json")["Records"][0]["Sns"]
        body = json.loads(record["Message"])
        self.assertEqual(record["TopicArn"], TOPIC)
        self.assertEqual((body["AlarmArn"], body["AlarmName"]), (ALARM, "web-unhealthy"))
        self.assertEqual(body["StateChangeTime"], "2027-02-28T23:59:58.623+0000")
        self.assertEqual(record["Timestamp"], "2027-02-28T23:59:59.734Z")

    def test_an_alarm_by_eventbridge_and_a_direct_one_too(self) -> None:
        by_rule = filled("eventbridge-metric-alarm.json")
        self.assertEqual(by_rule["resources"], [ALARM])
        self.assertEqual(by_rule["detail"]["state"]["timestamp"], "2027-02-28T23:59:58.623+0000")
        direct = filled("direct-metric-alarm.json")
        self.assertEqual((direct["alarmArn"], direct["alarmData"]["alarmName"]), (ALARM, "web-unhealthy"))
        self.assertEqual(direct["alarmData"]["state"]["timestamp"], "2027-02-28T23:59:58.623+0000")

    def test_an_alarm_of_the_recovery_region_stays_one(self) -> None:
        body = json.loads(filled("sns-recovery-region-alarm.json")["Records"][0]["Sns"]["Message"])
        self.assertEqual(body["AlarmArn"], "arn:aws:cloudwatch:us-west-1:123456789012:alarm:replica-lag")

    def test_databases_and_groups_are_the_worlds(self) -> None:
        self.assertIn("db:lab-orders", json.dumps(filled("rds-event-multi-az-failover.json")))
        self.assertNotIn("shop-orders", json.dumps(filled("rds-event-multi-az-failover.json")))
        self.assertIn("lab-web", json.dumps(filled("asg-launch-successful.json")))

    def test_what_must_not_count_still_does_not(self) -> None:
        old = json.loads(filled("stale-alarm.json")["Records"][0]["Sns"]["Message"])["StateChangeTime"]
        self.assertEqual(old, "2027-02-28T17:59:58.623+0000")
        foreign = json.loads(filled("foreign-account-alarm.json")["Records"][0]["Sns"]["Message"])
        self.assertNotIn("123456789012", foreign["AlarmArn"])
        unlisted = json.loads(filled("unlisted-alarm.json")["Records"][0]["Sns"]["Message"])
        self.assertNotEqual(unlisted["AlarmArn"], ALARM)
        self.assertNotEqual(filled("forged-topic.json")["Records"][0]["Sns"]["TopicArn"], TOPIC)

    def test_no_key_is_changed_and_nothing_that_is_no_name_or_time(self) -> None:
        def shape(value: object) -> object:
            if isinstance(value, dict):
                return {key: shape(item) for key, item in value.items()}
            return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__

        for path in sorted((ROOT / "events").glob("*.json")):
            before = json.loads(path.read_text(encoding="utf-8"))
            after = send.filled_in(copy.deepcopy(before), lab_plan(), NOW)
            self.assertEqual(shape(before), shape(after), path.name)
        self.assertEqual(filled("operator-status.json"), event("operator-status.json"))

    def test_every_form_of_a_time_is_kept(self) -> None:
        self.assertEqual(
            send.moved_in_time("2026-12-31T23:59:59.900+0000", timedelta(milliseconds=250)), "2027-01-01T00:00:00.150+0000"
        )
        by = timedelta(days=1, seconds=1)
        for before, after in [
            ("2026-12-31T23:59:59Z", "2027-01-02T00:00:00Z"),
            ("2028-02-28T23:59:58.120+0000", "2028-02-29T23:59:59.120+0000"),
            ("2026-11-20T10:00:00+01:00", "2026-11-21T10:00:01+01:00"),
            ("at 2026-11-20T10:00:00Z and later", "at 2026-11-21T10:00:01Z and later"),
            ("2026-11-20", "2026-11-20"),
        ]:
            self.assertEqual(send.moved_in_time(before, by), after)

    def test_a_name_is_replaced_where_it_is_whole(self) -> None:
        pairs = {"shop-web": "lab-web", "shop-web-recovery": "lab-two"}
        pairs = dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))
        self.assertEqual(send.renamed("shop-web shop-web-recovery shop-webs", pairs), "lab-web lab-two shop-webs")
        self.assertEqual(send.renamed("a:shop-web", pairs), "a:shop-web")

    def test_each_event_goes_to_its_function(self) -> None:
        for name, function in [
            ("sns-metric-alarm.json", "alarm-handler"),
            ("tick.json", "alarm-handler"),
            ("operator-status.json", "alarm-handler"),
            ("sns-step-confirm.json", "alarm-handler"),
            ("sns-step-verify.json", "alarm-handler"),
            ("sns-step-promote.json", "promote-replica"),
            ("sns-step-quarantine.json", "promote-replica"),
            ("sns-step-scale.json", "scale-asg"),
            ("sns-step-restore.json", "scale-asg"),
            ("sns-step-fence.json", "shift-traffic"),
            ("sns-step-unfence.json", "shift-traffic"),
            ("sns-step-open.json", "shift-traffic"),
            ("snapshots-dry-run.json", "snapshot-scheduler"),
            ("readiness-pass.json", "readiness-checker"),
            ("readiness-now.json", "readiness-checker"),
            ("witness-look.json", "database-witness"),
            ("witness-beat.json", "database-witness"),
            ("parameter-update.json", "ssm-replicator"),
            ("operator-drift.json", "ssm-replicator"),
            ("operator-pass.json", "ssm-replicator"),
        ]:
            self.assertEqual(send.function_for(name, event(name)), function, name)


class World(BaseHTTPRequestHandler):
    """What the sender asks of a world: a function's configuration, the plan's parts, an invocation."""

    invoked: list[tuple[str, dict, str]] = []
    answer: dict = {"sentence": "Nothing to do.", "appended": 0, "rejected": []}
    is_error = False

    def reply(self, body: object, headers: dict[str, str] | None = None) -> None:
        said = json.dumps(body).encode()
        self.send_response(200)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:  # noqa: N802
        variables = {"PILOTLIGHT_PLAN_PARAMETER": "/pilotlight/lab/plan", "PILOTLIGHT_PLAN_PARTS": "12"}
        self.reply({"Environment": {"Variables": variables}})

    def do_POST(self) -> None:  # noqa: N802
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("X-Amz-Target") == "AmazonSSM.GetParameters":
            text, size = json.dumps(lab_plan()), len(json.dumps(lab_plan())) // 12 + 1
            parts = {f"/pilotlight/lab/plan/{n}": text[n * size : (n + 1) * size] for n in range(12)}
            assert len(body["Names"]) <= 10
            found = [{"Name": name, "Value": parts[name]} for name in reversed(body["Names"])]
            self.reply({"Parameters": found})
            return
        World.invoked.append((self.path, body, self.headers.get("Authorization", "")))
        self.reply(World.answer, {"X-Amz-Function-Error": "Unhandled"} if World.is_error else {})

    def log_message(self, *_: object) -> None:
        pass


class Sent(unittest.TestCase):
    """Sending, to a world of the test's own."""

    def setUp(self) -> None:
        World.invoked, World.is_error = [], False
        World.answer = {"sentence": "Nothing to do.", "appended": 0, "rejected": []}
        server = HTTPServer(("127.0.0.1", 0), World)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        note = Path(place.name) / "world.json"
        functions = {"alarm-handler": "lab-alarm-handler", "scale-asg": "lab-scale-asg"}
        note.write_text(json.dumps({"endpoint_url": self.url, "functions": functions}), encoding="utf-8")
        kept = send.WORLD, send.WATCHED
        self.addCleanup(lambda: (setattr(send, "WORLD", kept[0]), setattr(send, "WATCHED", kept[1])))
        send.WORLD, send.WATCHED = note, self.url

    def run_it(self, *arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = send.main(list(arguments))
        return code, out.getvalue(), err.getvalue()

    def test_to_the_deployed_function_by_its_name_in_the_recovery_region(self) -> None:
        code, out, _ = self.run_it("events/sns-metric-alarm.json")
        [(path, body, authorization)] = World.invoked
        self.assertEqual(path, "/2015-03-31/functions/lab-alarm-handler/invocations")
        self.assertIn("/us-west-1/lambda/aws4_request", authorization)
        self.assertEqual(body["Records"][0]["Sns"]["TopicArn"], TOPIC)
        changed = json.loads(body["Records"][0]["Sns"]["Message"])["StateChangeTime"]
        age = datetime.now(timezone.utc) - datetime.strptime(changed, "%Y-%m-%dT%H:%M:%S.%f%z")
        self.assertLess(abs(age), timedelta(seconds=60))
        self.assertEqual((code, json.loads(out)), (0, World.answer))

    def test_to_the_watched_function_by_its_package(self) -> None:
        self.run_it("sns-metric-alarm.json", "--to", "watched")
        self.assertEqual(World.invoked[0][0], "/2015-03-31/functions/alarm-handler/invocations")

    def test_as_it_is(self) -> None:
        self.run_it("sns-metric-alarm.json", "--as-is")
        self.assertEqual(World.invoked[0][1], event("sns-metric-alarm.json"))

    def test_with_a_field_set(self) -> None:
        self.run_it("operator-approve.json", "--set", "run=17", "--set", "by=ana")
        self.assertEqual(World.invoked[0][1], {"command": "approve", "run": 17, "by": "ana"})

    def test_shown_and_not_sent(self) -> None:
        code, out, _ = self.run_it("tick.json", "--show")
        self.assertEqual((code, json.loads(out), World.invoked), (0, event("tick.json"), []))

    def test_what_was_rejected_shows(self) -> None:
        rejected = [{"source": ALARM, "reason": "stale", "why": "it changed 6 h ago, the limit is 300 s"}]
        World.answer = {"sentence": "Nothing to do.", "appended": 0, "rejected": rejected}
        _, out, _ = self.run_it("stale-alarm.json")
        self.assertEqual(json.loads(out)["rejected"], rejected)

    def test_an_error_of_the_function_is_an_error(self) -> None:
        World.is_error, World.answer = True, {"errorMessage": "bad_command"}
        code, out, _ = self.run_it("operator-bad-command.json")
        self.assertEqual((code, json.loads(out)), (1, World.answer))

    def test_a_function_that_is_not_there_is_named_with_those_that_are(self) -> None:
        code, _, err = self.run_it("tick.json", "--function", "alarm")
        self.assertEqual(code, 2)
        self.assertIn("there is no function alarm; say one of: alarm-handler, scale-asg", err)

    def test_without_a_world_the_remedy_is_said(self) -> None:
        send.WORLD = Path("/nowhere/world.json")
        code, _, err = self.run_it("tick.json")
        self.assertEqual(code, 2)
        self.assertIn("no world is up; start the local world with: make lab", err)


if __name__ == "__main__":
    unittest.main()
