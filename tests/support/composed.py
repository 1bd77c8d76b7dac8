"""The compose files as data, and what the native local stack says of the same things."""

import json
import re
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator
from jsonschema.protocols import Validator

from tests.support.documents import ROOT

FOLDER = ROOT / "deploy/compose"
Node = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Compose has tags of its own (!override, !reset): their value is what counts here."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def load(path: Path) -> Node:
    """A copy of the file's data, for tests to change; read once."""
    return deepcopy(_read(path))


@cache
def _read(path: Path) -> Node:
    return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506  (a safe loader)


def service(name: str) -> Node:
    return dict(load(FOLDER / "compose.yaml")["services"][name])


@cache
def schema() -> Validator:
    """The specification's own JSON Schema, as check-jsonschema ships it."""
    text = (files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    return Draft7Validator(json.loads(text))


def properties(text: str) -> dict[str, str]:
    """`key=value` and `key = 'value'` lines, without comments."""
    pairs = re.findall(r"^([\w.]+)\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    return {key: value.strip("'\"") for key, value in pairs}


def kafka_properties(environment: Node) -> dict[str, str]:
    """What the image makes of KAFKA_ variables: lower case, one underscore is a dot."""
    names = {name: value for name, value in environment.items() if name not in ("KAFKA_HEAP_OPTS", "CLUSTER_ID")}
    return {name.removeprefix("KAFKA_").lower().replace("_", "."): value for name, value in names.items()}
