"""What became of the mutants: kept by the hash of their file, told when it is stale, and each survivor with a reason."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from commands.checkout import program

mutants = program("tests/mutants.py")

GRAPH = "shared/protocol/src/graph.rs"
SCALE = "functions/scale-asg/src/lib.rs"


def mutant(number: int, file: str = GRAPH, what: str = "replace < with <= in scope") -> object:
    return mutants.Mutant(file, f"{file}:{number}:9: {what}")


def result(outcome: str, number: int = 1, file: str = GRAPH, digest: str | None = None, what: str = "replace < with <= in scope"):
    digest = mutants.digest_of(file) if digest is None else digest
    return mutants.Result(mutant(number, file, what), digest, outcome, "core", 3)


def kept(*results: object) -> dict:
    return {found.mutant: found for found in results}


class Kept(unittest.TestCase):
    """Results on disk."""

    def test_what_is_written_is_read_again_in_an_order_of_its_own(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "mutants.tsv"
            results = kept(result("caught", 20), result("missed", 3), result("unviable", 1, SCALE))
            mutants.write_results(results.values(), path)
            self.assertEqual(mutants.read_results(path), results)
            before = path.read_text(encoding="utf-8")
            mutants.write_results(reversed(list(results.values())), path)
            self.assertEqual(path.read_text(encoding="utf-8"), before)

    def test_without_a_file_there_are_none(self) -> None:
        self.assertEqual(mutants.read_results(Path("/nowhere/mutants.tsv")), {})

    def test_a_mutants_words_survive_a_line_above_it(self) -> None:
        self.assertEqual(mutant(12).words, mutant(400).words)
        self.assertEqual(mutant(12).words, f"{GRAPH}: replace < with <= in scope")

    def test_a_mutant_is_run_again_when_its_file_has_changed_or_was_never_run(self) -> None:
        one, two, three = mutant(1), mutant(2), mutant(3)
        results = kept(result("caught", 1), result("caught", 2, digest="0" * 16))
        self.assertEqual(mutants.stale_mutants([one, two, three], results), [two, three])

    def test_a_mutant_that_was_not_run_is_kept_as_that_and_is_no_result(self) -> None:
        one, two = mutant(1), mutant(2)
        results = mutants.with_pending(kept(result("caught", 1)), [one, two])
        self.assertEqual(mutants.stale_mutants([one, two], results), [two])
        [row] = mutants.figures(results.values())
        self.assertEqual((row.viable, row.pending, row.is_stale), (1, 1, False))
        self.assertIn("1 of 1 viable mutants are caught (100.0 %); 1 are not run yet", mutants.page(results, {}))
        self.assertEqual(mutants.problems(results, {}), [])

    def test_a_mutant_meets_the_next_tests_where_it_was_cut_short(self) -> None:
        run = mutants.Run(Path("/nowhere"), 0.0, {}, keeps=False)
        one = mutant(1)
        self.assertEqual(run.next_tests(one), mutants.CORE)
        seen_by_core = mutants.Result(one, mutants.digest_of(one.file), mutants.PENDING, "core", 3)
        run.results[one] = seen_by_core
        self.assertEqual(run.next_tests(one), mutants.RUNS)
        run.results[one] = mutants.Result(one, "another", mutants.PENDING, "core", 3)
        self.assertEqual(run.next_tests(one), mutants.CORE)
        run.results[one] = mutants.Result(one, mutants.digest_of(one.file), "caught", "core", 3)
        self.assertIsNone(run.next_tests(one))

    def test_results_of_mutants_that_are_gone_are_dropped_for_the_files_that_are_run(self) -> None:
        results = kept(result("caught", 1), result("missed", 2), result("caught", 1, SCALE))
        left = mutants.without_leftovers(results, [mutant(1)])
        self.assertEqual(list(left), [mutant(1), mutant(1, SCALE)])

    def test_a_draw_takes_as_many_of_each_area_and_a_larger_one_takes_more(self) -> None:
        engine = "shared/engine/src/worker.rs"
        every = [mutant(number, file) for file in (GRAPH, SCALE, engine) for number in range(20)]
        drawn = mutants.drawn_of_each_area(every, 5)
        self.assertEqual({file: sum(one.file == file for one in drawn) for file in (GRAPH, SCALE, engine)}, {GRAPH: 5, SCALE: 5, engine: 5})
        self.assertTrue(set(drawn) < set(mutants.drawn_of_each_area(every, 6)))
        self.assertEqual(mutants.drawn_of_each_area(every, 20), every)

    def test_the_areas_say_what_was_run_of_them(self) -> None:
        results = kept(result("caught", 1), result("missed", 2), result("unviable", 3))
        results = mutants.with_pending(results, [mutant(4)])
        rows = [row for row in mutants.areas(mutants.figures(results.values())) if row.startswith("| what decides ")]
        self.assertEqual(rows, ["| what decides | 4 | 3 | 2 | 1 | 50.0 % | 90 % |"])

    def test_a_mutant_that_only_the_quick_tests_have_met_counts_as_not_caught(self) -> None:
        results = kept(result("caught", 1), result(mutants.PENDING, 2))
        [row] = mutants.figures(results.values())
        self.assertEqual((row.viable, row.caught, row.undecided, row.pending), (2, 1, 1, 0))
        self.assertIn("1 of 2 viable mutants are caught (50.0 %)", mutants.page(results, {}))
        changed = kept(result("caught", 1), result(mutants.PENDING, 2, digest="0" * 16))
        [row] = mutants.figures(changed.values())
        self.assertEqual((row.viable, row.undecided, row.pending), (1, 0, 1))

    def test_every_mutant_is_in_one_shard_and_every_shard_has_some(self) -> None:
        shards = [mutants.shard_of(mutant(number), 4) for number in range(200)]
        self.assertEqual(set(shards), {0, 1, 2, 3})


class Scope(unittest.TestCase):
    """Which files are in it."""

    def test_the_scope_is_what_decides_without_the_wiring(self) -> None:
        files = mutants.files_in_scope()
        for wanted in ["shared/protocol/src/decide.rs", "shared/protocol/src/decide/gate.rs", GRAPH, SCALE]:
            self.assertIn(wanted, files)
        self.assertFalse([file for file in files if file.endswith("/main.rs")])
        # Every pattern of the scope finds something: a file that was renamed would silently leave it.
        for pattern in mutants.SCOPE:
            self.assertTrue(list(mutants.ROOT.glob(pattern)), pattern)

    def test_the_tests_that_are_run_are_there(self) -> None:
        every = list(mutants.ROOT.glob("*/*/Cargo.toml"))
        programs = {name for path in every for name in re.findall(r'\[\[test\]\]\nname = "(\w+)"', path.read_text(encoding="utf-8"))}
        programs |= {path.parent.name for path in mutants.ROOT.glob("*/*/tests/*/main.rs")}
        modules = {path.stem for folder in ("shared/protocol", "tests/scenarios") for path in (mutants.ROOT / folder / "tests").glob("*.rs")}
        for tests in mutants.EVERY:
            self.assertEqual(sorted(set(tests.programs) - programs), [], tests.name)
            named = {part.removesuffix("::") for part in (*tests.only, *tests.without) if part.endswith("::")}
            self.assertEqual(sorted(named - modules), [], tests.name)

    def test_each_scenario_is_run_against_a_mutant(self) -> None:
        self.assertEqual(set(mutants.RUNS.without) - set(mutants.LONG.only), set())
        self.assertEqual(mutants.RUNS.filters()[0], "--skip=aftermath::")
        self.assertEqual(mutants.LONG.filters()[0], "aftermath::")

    def test_the_core_is_tried_by_its_own_tests_first(self) -> None:
        self.assertEqual([tests.name for tests in mutants.tests_for(GRAPH)], ["core", "runs", "laws", "long"])
        self.assertEqual([tests.name for tests in mutants.tests_for(SCALE)], ["runs", "long"])
        reader = "shared/protocol/src/plan/read.rs"
        self.assertEqual([tests.name for tests in mutants.tests_for(reader)], ["whole", "runs", "long"])
        self.assertEqual(mutants.area_of(reader).name, "the rest of the core")


class Checked(unittest.TestCase):
    """What is wrong with what is kept."""

    def test_a_survivor_needs_a_reason(self) -> None:
        survivor = result("missed")
        words = survivor.mutant.words
        [problem] = mutants.problems(kept(survivor), {})
        self.assertIn("survives without a reason", problem)
        self.assertEqual(mutants.problems(kept(survivor), {words: "no behaviour changes by it"}), [])
        [problem] = mutants.problems(kept(survivor), {words: " "})
        self.assertIn("gives no reason", problem)

    def test_a_reason_needs_a_survivor(self) -> None:
        caught = result("caught")
        [problem] = mutants.problems(kept(caught), {caught.mutant.words: "no behaviour changes by it"})
        self.assertIn("has a reason for what does not survive", problem)

    def test_a_survivor_of_a_file_that_has_changed_is_stale_and_no_failure(self) -> None:
        self.assertEqual(mutants.problems(kept(result("missed", digest="0" * 16)), {}), [])

    def test_results_of_a_file_outside_the_scope_are_a_problem(self) -> None:
        [problem] = mutants.problems(kept(result("caught", 1, "shared/aws/src/rds.rs")), {})
        self.assertIn("which is not in the scope", problem)

    def test_the_page_claims_nothing_of_a_file_that_has_changed(self) -> None:
        fresh = [result("caught", number) for number in range(9)] + [result("missed", 9)]
        stale = [result("missed", number, SCALE, digest="0" * 16, what="replace x with y in z") for number in range(50)]
        page = mutants.page(kept(*fresh, *stale), {})
        self.assertIn("9 of 10 viable mutants are caught (90.0 %)", page)
        self.assertIn(f"Stale: `{SCALE}`.", page)
        self.assertIn("| `shared/protocol/src/graph.rs` | 10 | 9 | 90 % | 1 | 0 | 0 | 0 |  |", page)
        self.assertIn("no reason yet", page)

    def test_what_does_not_end_is_caught_and_what_does_not_build_is_not_counted(self) -> None:
        [row] = mutants.figures([result("timeout", 1), result("unviable", 2), result("caught", 3)])
        self.assertEqual((row.caught, row.viable, row.unviable), (2, 2, 1))


class Sampled(unittest.TestCase):
    """What CI takes, and how it is judged."""

    def test_changed_files_come_first(self) -> None:
        results = kept(result("caught", 1), result("caught", 2, digest="0" * 16))
        self.assertEqual(mutants.drawn([mutant(1), mutant(2)], results, "a"), [mutant(2)])

    def test_what_waits_for_the_full_run_is_not_drawn(self) -> None:
        results = kept(result("caught", 1), result(mutants.PENDING, 2), result(mutants.PENDING, 3, digest="0" * 16))
        every = [mutant(1), mutant(2)]
        self.assertEqual(mutants.drawn(every, results, "a"), [mutant(1)])
        self.assertEqual(mutants.drawn([*every, mutant(3)], results, "a"), [mutant(3)])
        self.assertEqual(mutants.drawn([mutant(2)], results, "a"), [mutant(2)])

    def test_where_nothing_has_changed_what_was_caught_is_tried_again(self) -> None:
        results = kept(*[result("caught", n) for n in range(30)], result("missed", 40), result("unviable", 41))
        every = [mutant(n) for n in [*range(30), 40, 41]]
        order = mutants.drawn(every, results, "a")
        self.assertEqual(sorted(order, key=str), sorted([mutant(n) for n in range(30)], key=str))
        self.assertEqual(order, mutants.drawn(every, results, "a"), "the same seed takes the same")
        self.assertNotEqual(order, mutants.drawn(every, results, "b"))

    def judge(self, results: list, before: dict, reasons: dict) -> tuple[int, list[str]]:
        with contextlib.redirect_stdout(io.StringIO()):
            return mutants.judged(results, before, reasons)

    def test_what_was_caught_once_must_be_caught_again_wherever_it_is_now(self) -> None:
        before = kept(result("caught", 1, digest="0" * 16))
        good, wrong = self.judge([result("missed", 7), result("caught", 8, what="replace a with b in c")], before, {})
        self.assertEqual((good, len(wrong)), (1, 1))
        self.assertIn("was caught once, and survives", wrong[0])

    def test_a_survivor_with_a_reason_is_as_it_should_be(self) -> None:
        survivor = result("missed")
        self.assertEqual(self.judge([survivor], {}, {survivor.mutant.words: "no behaviour changes"}), (1, []))

    def test_more_survivors_than_chance_allows_where_nine_in_ten_are_caught_fail(self) -> None:
        def of(missed: int, total: int) -> list:
            return [
                result("missed" if n < missed else "caught", n, what=f"replace {n} with 0 in scope") for n in range(total)
            ]

        self.assertEqual(self.judge(of(2, 20), {}, {})[1], [])
        self.assertEqual(self.judge(of(6, 20), {}, {})[1], [], "a sample of twenty has so many now and then")
        self.assertEqual(len(self.judge(of(7, 20), {}, {})[1]), 1)
        self.assertEqual(self.judge(of(2, 3), {}, {})[1], [], "so few say nothing of the share")


# Stands in for cargo-mutants: does what it is told of each mutant, in the file that it writes as the real one does.
TOOL = """#!/usr/bin/env python3
import json, re, sys
from pathlib import Path
output = Path(next(a for a in sys.argv if a.startswith("--output=")).partition("=")[2])
names = [re.sub(r"\\\\(.)", r"\\1", a[len("--re=^"):-1]) for a in sys.argv if a.startswith("--re=")]
tier = "core" if "--cargo-arg=--test=quick" in sys.argv else "others"
(output / "mutants.out").mkdir()
found = []
for name in names:
    fate = json.loads(Path("FATES").read_text())[name][tier]
    phases = [{"phase": "Build", "duration": 1.4}, {"phase": "Test", "duration": 1.2}]
    found.append({"scenario": {"Mutant": {"name": name}}, "summary": fate, "phase_results": phases})
(output / "mutants.out" / "outcomes.json").write_text(json.dumps({"outcomes": found}))
with open("CALLS", "a") as calls:
    calls.write(f"{tier} {len(names)}\\n")
"""


class Carried(unittest.TestCase):
    """Running them, with a stand-in for the tool."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.tree = self.place / "tree"
        self.tree.mkdir()
        self.tool = self.place / "cargo-mutants"
        fates, self.calls = self.place / "fates.json", self.place / "calls"
        self.tool.write_text(TOOL.replace("FATES", str(fates)).replace("CALLS", str(self.calls)), encoding="utf-8")
        self.tool.chmod(0o755)
        self.every = [mutant(number) for number in range(1, 15)]
        fate = {1: ("MissedMutant", "MissedMutant"), 2: ("MissedMutant", "CaughtMutant"), 3: ("Unviable", "Unviable")}
        fate |= {4: ("Timeout", "Timeout")}
        fates.write_text(
            json.dumps(
                {
                    each.name: dict(zip(("core", "others"), fate.get(number, ("CaughtMutant",) * 2), strict=True))
                    for number, each in enumerate(self.every, start=1)
                }
            ),
            encoding="utf-8",
        )
        self.results: dict = {}
        for name, value in {"PLACE": self.place, "TREE": self.tree, "RESULTS": self.place / "results.tsv"}.items():
            patch = mock.patch.object(mutants, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        # Written results go where the test looks; the default argument was bound before.
        write = mutants.write_results
        patch = mock.patch.object(mutants, "write_results", lambda results: write(results, self.place / "results.tsv"))
        patch.start()
        self.addCleanup(patch.stop)
        patch = mock.patch.object(mutants.Run, "baseline", lambda *_: None)
        patch.start()
        self.addCleanup(patch.stop)

    def run_all(self, wanted: list, stop_after: int | None = None) -> None:
        work = mutants.Run(self.tool, float("inf"), self.results, keeps=True)
        for number, _ in enumerate(work.carry_out(wanted), start=1):
            if number == stop_after:
                break

    def test_what_the_quick_tests_miss_is_tried_by_the_others_and_nothing_else_is(self) -> None:
        self.run_all(self.every)
        found = {each.name: (r.outcome, r.tests) for each, r in self.results.items()}
        self.assertEqual(found[self.every[0].name], ("missed", "long"))
        self.assertEqual(found[self.every[1].name], ("caught", "runs"))
        self.assertEqual(found[self.every[2].name], ("unviable", "core"))
        self.assertEqual(found[self.every[3].name], ("timeout", "core"))
        self.assertEqual(found[self.every[4].name], ("caught", "core"))
        self.assertEqual(self.results[self.every[4]].seconds, 3)
        calls = self.calls.read_text(encoding="utf-8").split("\n")
        self.assertEqual(calls[:5], ["core 8", "core 6", "others 2", "others 1", "others 1"])

    def test_a_run_that_is_cut_short_goes_on_where_it_was(self) -> None:
        self.run_all(self.every, stop_after=8)
        left = mutants.stale_mutants(self.every, mutants.read_results(self.place / "results.tsv"))
        self.assertTrue(0 < len(left) < len(self.every), left)
        self.run_all(left)
        self.assertEqual(mutants.stale_mutants(self.every, mutants.read_results(self.place / "results.tsv")), [])
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        count = sum(int(line.split()[1]) for line in calls if line.startswith("core"))
        self.assertEqual(count, len(self.every), "nothing is run twice")

    def test_nothing_is_begun_when_the_time_is_over(self) -> None:
        work = mutants.Run(self.tool, float("-inf"), self.results, keeps=True)
        self.assertEqual(list(work.carry_out(self.every)), [])
        self.assertFalse(self.calls.exists())

    def test_one_mutant_of_a_sample_is_judged_by_all_its_tests_and_no_more_when_the_time_is_over(self) -> None:
        work = mutants.Run(self.tool, float("inf"), self.results, keeps=False)
        found = list(mutants.sampled(work, self.every[:2], 0))
        self.assertEqual([(result.mutant, result.tests) for result in found], [(self.every[0], "long")])


if __name__ == "__main__":
    unittest.main()
