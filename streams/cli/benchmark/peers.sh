#!/bin/sh
# Installs what the benchmark plays against and is no dependency of ours. Called by `make peers`; what is there is kept.
# Telegraf: an ordinary Go package, built here. Quix Streams: ordinary Python packages, in an environment of their own.
set -eu

here=$(dirname "$0")
peers=${XDG_CACHE_HOME:-$HOME/.cache}/quaystream/peers
telegraf=v1.37.2
mkdir -p "$peers"

say() { echo "make peers: $1"; }

# Each is skipped alone: the benchmark runs without it and says so.
build_telegraf() {
    if [ -x "$peers/telegraf" ]; then say "telegraf is there: $peers/telegraf"; return; fi
    if ! command -v go >/dev/null; then say "telegraf needs Go (1.24 or newer): install it, then run this again"; return 1; fi
    say "builds telegraf $telegraf: about ten minutes on two cores"
    GOBIN="$peers" nice go install "github.com/influxdata/telegraf/cmd/telegraf@$telegraf"
    say "telegraf is there: $peers/telegraf"
}

install_quix() {
    if "$peers/quix/bin/python" -c 'import quixstreams, psycopg2' 2>/dev/null; then say "quix is there: $peers/quix"; return; fi
    say "installs Quix Streams into $peers/quix"
    rm -rf "$peers/quix"
    .venv/bin/python -m venv "$peers/quix"
    "$peers/quix/bin/python" -m pip install --quiet --require-hashes -r "$here/quix.lock"
    say "quix is there: $peers/quix"
}

missing=0
install_quix || missing=1
build_telegraf || missing=1
exit $missing
