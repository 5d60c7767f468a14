#!/usr/bin/env bash
# Are the budgets kept? Builds the release packages, measures them and the core, and prints one table.
set -euo pipefail

fail() {
    echo "bench: $1" >&2
    exit 1
}

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(uname -s)" = Linux ] || fail "the functions are Linux programs: measure them on Linux"
case $(uname -m) in
x86_64) arch=x86_64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "Lambda has no processor like $(uname -m)" ;;
esac

"${MAKE:-make}" --no-print-directory build ARCH="$arch"
echo "bench: compiling the measurements"
"${CARGO:-cargo}" build --quiet --release --package bench
launcher=tests/lab/launcher
python3 tests/environment.py .lab/test-venv "$launcher/requirements.txt" "$launcher/requirements-test.txt"
exec "${CARGO:-cargo}" run --quiet --release --package bench -- target/lambda .lab/test-venv/bin/python
