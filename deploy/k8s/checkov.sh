#!/bin/sh
# checkov over rendered overlays and the Dockerfiles: `sh deploy/k8s/checkov.sh [FOLDER-OR-FILE …]`. Called by `make validate`.
# It lives in the cache, apart from .venv: its pins are not ours. Exceptions, one by one: checkov.yaml.
set -eu

here=$(dirname "$0")
tools=${XDG_CACHE_HOME:-$HOME/.cache}/quaystream/tools
checkov=$tools/checkov-$(sha256sum "$here/checkov.lock" | cut -c1-16)

if [ ! -x "$checkov/bin/checkov" ]; then
    echo "checkov is fetched once, with hashes, into $checkov"
    rm -rf "$checkov.partial" && mkdir -p "$tools"
    .venv/bin/python -m venv "$checkov.partial"
    "$checkov.partial/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$here/checkov.lock"
    # The programs of a moved venv name its old place: it is called by its interpreter below.
    rm -rf "$checkov" && mv "$checkov.partial" "$checkov"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ $# = 0 ]; then
    for overlay in single port-cluster; do
        .venv/bin/python -m deploy.k8s.render "$here/overlays/$overlay" >"$folder/$overlay.yaml"
    done
    cp "$here"/../image/*Dockerfile "$folder/"
else
    cp -r "$@" "$folder/"
fi
# No word to or from a service: what is checked is here.
"$checkov/bin/python" -m checkov.main --directory "$folder" --config-file "$here/checkov.yaml"
