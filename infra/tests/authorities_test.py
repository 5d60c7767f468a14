"""Does the witness's layer hold the authorities of the bundle, and is everything else refused?

Usage: python3 infra/tests/authorities_test.py
Ends with `N passed, N failed`; exit code 1 if any failed.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

MODULE = Path(__file__).resolve().parents[1] / "modules" / "database-witness"
EXAMPLE = MODULE / "tests" / "authorities.zip"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("authorities", MODULE / "authorities.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AUTHORITIES = script()
# Made for these tests: nobody holds its key.
CERTIFICATE = zipfile.ZipFile(EXAMPLE).read("rds-authorities.pem").decode()


def packed(bundle: str) -> tuple[bytes, str]:
    """The zip that the script makes of a bundle, and what it says if it makes none."""
    with tempfile.TemporaryDirectory() as home:
        source, package = Path(home) / "bundle.pem", Path(home) / "authorities.zip"
        source.write_text(bundle, encoding="utf-8")
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                AUTHORITIES.main([str(source), str(package)])
        except SystemExit as refused:
            return (package.read_bytes() if package.exists() else b""), str(refused.code)
        return package.read_bytes(), ""


def module_takes(package: bytes) -> bool:
    """Whether the module's validation would: the place and the text are read off its source."""
    source = (MODULE / "variables.tf").read_text()
    found = re.search(r'substr\(filebase64\(var\.authorities\), (\d+), (\d+)\) == base64encode\("([^"]+)"\)', source)
    assert found, "variables.tf doesn't look into the zip"
    start, length = int(found[1]), int(found[2])
    return base64.b64encode(package).decode()[start : start + length] == base64.b64encode(found[3].encode()).decode()


def the_layer_holds_the_bundles_certificates() -> Iterator[str]:
    package, said = packed(f"a comment\n{CERTIFICATE}".replace("\n", "\r\n"))
    if said:
        yield said
        return
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        if archive.namelist() != ["rds-authorities.pem"] or archive.read("rds-authorities.pem").decode() != CERTIFICATE:
            yield f"the zip holds {archive.namelist()}"
        if archive.infolist()[0].external_attr >> 16 != 0o100644:
            yield "the function couldn't read the file, or could change it"


def the_same_bundle_gives_the_same_zip() -> Iterator[str]:
    if packed(CERTIFICATE)[0] != EXAMPLE.read_bytes():
        yield "not the zip of the module's tests"


def the_module_takes_what_the_script_makes() -> Iterator[str]:
    if not module_takes(packed(CERTIFICATE)[0]):
        yield "the module refuses it"


def the_module_refuses_other_zips() -> Iterator[str]:
    for name, text, kind in (
        ("other.pem", CERTIFICATE, zipfile.ZIP_STORED),
        ("rds-authorities.pem", "", zipfile.ZIP_STORED),
        ("rds-authorities.pem", "no certificate at all, but long enough for one", zipfile.ZIP_STORED),
        ("rds-authorities.pem", CERTIFICATE, zipfile.ZIP_DEFLATED),
    ):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", kind) as archive:
            archive.writestr(name, text)
        if module_takes(content.getvalue()):
            yield f"{name} with {text[:20]!r} is taken"


def a_bundle_that_is_none_makes_no_zip() -> Iterator[str]:
    body = CERTIFICATE.splitlines()
    for what, bundle, words in (
        ("nothing", "", "must hold certificates"),
        ("a page of an error", "<Error><Code>AccessDenied</Code></Error>", "must hold certificates"),
        ("a key among them", f"{CERTIFICATE}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "must hold certificates"),
        ("a broken download", "\n".join(body[:-2]), "must hold certificates"),
        ("a changed one", "\n".join([body[0], *body[2:]]), "certificate 1 of the bundle can't be read"),
        ("the same twice", CERTIFICATE * 2, "twice"),
    ):
        package, said = packed(bundle)
        if package or words not in said:
            yield f"{what}: {said!r}"


TESTS: list[Callable[[], Iterator[str]]] = [
    the_layer_holds_the_bundles_certificates,
    the_same_bundle_gives_the_same_zip,
    the_module_takes_what_the_script_makes,
    the_module_refuses_other_zips,
    a_bundle_that_is_none_makes_no_zip,
]


def main() -> int:
    failed = 0
    for test in TESTS:
        lines = list(test())
        failed += bool(lines)
        for line in lines:
            print(f"{test.__name__}: {line}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
