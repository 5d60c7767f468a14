#!/usr/bin/env bash
# Are the prerequisites there? One line for each that is missing.
set -euo pipefail

missing=0
lacks() {
    echo "$1" >&2
    missing=1
}

command -v cargo >/dev/null || lacks "cargo is missing: install Rust 1.95 or newer (rustup.rs)"
command -v cc >/dev/null || lacks "a C compiler is missing: install gcc or clang"
if command -v python3 >/dev/null; then
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || lacks "python3 is too old: install Python 3.11 or newer"
    python3 -c 'import venv, ensurepip' 2>/dev/null || lacks "python3 has no venv: install Python's venv package"
else
    lacks "python3 is missing: install Python 3.11 or newer"
fi
if command -v terraform >/dev/null; then
    version=$(terraform version -json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["terraform_version"])' || echo 0.0)
    [ "$(printf '%s\n' 1.9.0 "$version" | sort -V | head -n 1)" = 1.9.0 ] || lacks "terraform $version is too old: install Terraform 1.9 or newer"
else
    lacks "terraform is missing: install Terraform 1.9 or newer"
fi
exit "$missing"
