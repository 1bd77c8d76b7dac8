#!/bin/sh
# Creates .venv with exactly what requirements.lock says. Called by `make setup`.
set -eu

fail() {
    echo "make setup: $1" >&2
    exit 2
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The first interpreter that is new enough; PYTHON=… chooses another.
find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed: install it, or name it with PYTHON=/path/to/python3"
}

# Debian ships venv apart from Python.
need_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    command -v apt-get >/dev/null || fail "$1 has no venv module: install it"
    as_root true 2>/dev/null || fail "$1 has no venv module: run \`sudo apt-get install python3-venv\` once"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv
}

python=$(find_python)
need_venv "$python"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --no-build-isolation --no-deps -e .
