#!/usr/bin/env bash
# How are the functions packed for Lambda? One zip for each in target/lambda, with the one file `bootstrap` in it.
#
#     functions/package.sh x86_64|arm64 FUNCTION...
#
# The same source gives the same packages, wherever the checkout lies, so that nothing is deployed for nothing.
set -euo pipefail

fail() {
    echo "build: $1" >&2
    exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
[ $# -ge 2 ] || fail "say what to build: functions/package.sh x86_64|arm64 FUNCTION..."
arch=$1
shift

# The processors are the oldest that Lambda has of each kind.
case $arch in
x86_64) target=x86_64-unknown-linux-gnu cpu=haswell ;;
arm64) target=aarch64-unknown-linux-gnu cpu=neoverse-n1 ;;
*) fail "there is no architecture $arch on Lambda: say x86_64 or arm64" ;;
esac

# cargo-lambda would add a missing target to the person's toolchain by itself, unasked.
[ -d "$(rustc --print target-libdir --target "$target")" ] ||
    fail "the Rust target $target is missing: add it with: rustup target add $target"

# cargo-lambda in a virtual environment of the checkout, as pinned.
venv=$root/.lab/build-venv
python3 "$root/tests/environment.py" "$venv" "$here/requirements-build.txt"
export PATH="$venv/bin:$PATH"

# Panics tell where in the source they happened: from the checkout's root, not from this machine's.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="-C target-cpu=$cpu --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$root=/pilotlight"

# glibc 2.28 is older than that of provided.al2023, and than that of the desktops that measure the very same binaries.
packages=$root/target/lambda
binaries=$packages/$arch
selected=()
for function in "$@"; do
    selected+=(--package "$function")
done
echo "build: compiling for $arch (the first time takes some minutes)"
cd "$root"
"${CARGO:-cargo}" lambda build --release --locked --skip-target-check --target "$target.2.28" \
    --output-format binary --lambda-dir "$binaries" "${selected[@]}"

echo "build: packing (half a minute for each function)"
"$venv/bin/python" - "$binaries" "$packages" "$@" <<'PY'
import os
import sys
import zipfile
from multiprocessing.pool import ThreadPool
from pathlib import Path

import zopfli

# A cold start begins with loading the package: three in a hundred are worth half a minute of packing.
ITERATIONS = 5

binaries, packages, functions = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]


def pack(function: str) -> str:
    code = (binaries / function / "bootstrap").read_bytes()
    # A fixed time and mode: what the build's clock and umask say is no part of the package.
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    package = packages / f"{function}.zip"
    unfinished = package.with_suffix(".zip.part")
    with zopfli.ZipFile(unfinished, "w", iterations=ITERATIONS) as archive:
        archive.writestr(entry, code)
    with zipfile.ZipFile(unfinished) as archive:
        assert archive.read("bootstrap") == code, f"{unfinished} does not hold what was packed"
    os.replace(unfinished, package)
    size = package.stat().st_size
    return f"build: {function + '.zip':<24} {size / 1e6:5.2f} MB  (bootstrap {len(code) / 1e6:.2f} MB)"


with ThreadPool(os.cpu_count()) as pool:
    for line in pool.imap(pack, functions):
        print(line, flush=True)
PY
