"""Do the product's files import each other without a circle, and its crates nothing that they may not? Would the checks see it?"""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from commands.checkout import program

imports = program("tests/import_graph.py")


class ImportGraph(unittest.TestCase):
    """The product, and small crates with a known answer."""

    def crate(self, files: dict[str, str]) -> Path:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        source = Path(place.name) / "shared" / "one" / "src"
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Path(place.name)

    def test_the_product_has_no_circle(self) -> None:
        self.assertGreater(len(imports.crates()), 8)
        self.assertEqual(imports.every_circle(), [])

    def test_no_name_of_the_product_stands_for_two_types(self) -> None:
        self.assertEqual(imports.homonyms(), {})

    def manifests(self, dependencies: dict[str, str]) -> Path:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        for name, text in dependencies.items():
            folder = Path(place.name) / "shared" / name
            folder.mkdir(parents=True)
            (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\n{text}', encoding="utf-8")
        return Path(place.name)

    def test_no_crate_of_the_product_depends_on_what_it_may_not(self) -> None:
        self.assertEqual(imports.forbidden_dependencies(), [])

    def test_a_dependency_that_may_not_be_is_found(self) -> None:
        cases = {
            "": [],
            "[dev-dependencies]\ntwin.workspace = true\naws.workspace = true\n": [],
            "[dependencies]\naws = { workspace = true, optional = true }\nengine.workspace = true\n": [],
            "[dependencies]\ntwin = { workspace = true, optional = true }\n": ["one depends on twin"],
            "[build-dependencies]\ntwin.workspace = true\n": ["one depends on twin"],
            "[dependencies]\naws.workspace = true\n": ["one depends on aws"],
            "[dependencies]\naws-sdk-rds.workspace = true\n": ["one depends on aws-sdk-rds"],
        }
        for text, expected in cases.items():
            self.assertEqual(imports.forbidden_dependencies(self.manifests({"one": text})), expected, text)
        self.assertEqual(
            imports.forbidden_dependencies(self.manifests({"aws": "[dependencies]\nengine.workspace = true\n"})),
            ["aws depends on engine"],
        )

    def test_a_circle_is_found_however_it_is_written(self) -> None:
        for back in ("use super::left::L;", "use crate::{left::L as Other};", "fn f(l: crate::left::L) {}"):
            root = self.crate({"lib.rs": "mod left; mod right;", "left.rs": "use crate::right::R;", "right.rs": back})
            self.assertEqual(imports.every_circle(root), ["shared/one: left, right"], back)

    def test_what_a_parent_passes_on_is_no_dependency(self) -> None:
        files = {"lib.rs": "mod part; pub use part::P;", "part.rs": "use crate::other::O;", "other.rs": ""}
        self.assertEqual(imports.every_circle(self.crate(files)), [])
        files["lib.rs"] = "mod part; use self::part::P;"
        files["part.rs"] = "use crate::Q;"
        self.assertEqual(imports.every_circle(self.crate(files)), ["shared/one: the crate's root, part"])

    def test_comments_and_tests_do_not_count(self) -> None:
        right = "// use crate::left::L;\n#[cfg(test)]\nmod tests {\n    use crate::left::L;\n}\n"
        root = self.crate({"lib.rs": "", "left.rs": "use crate::right::R;", "right.rs": right})
        self.assertEqual(imports.every_circle(root), [])

    def test_a_name_of_two_types_is_found(self) -> None:
        root = self.crate({"lib.rs": "pub struct One;\n", "left.rs": "enum One {}\npub trait Two {}\n"})
        self.assertEqual(list(imports.homonyms(root)), ["One"])


if __name__ == "__main__":
    unittest.main()
