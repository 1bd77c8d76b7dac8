"""Every command that a document names exists, with the options it is given."""

import importlib.util
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from streams.cli.reference.commands import CHECKS, OTHERS, commands, flag
from tests.support.documents import ROOT, Document, documents

COMMANDS = dict(commands())
# Every path that only leads to commands: `topics`, `kpi`, `kpi baseline`.
GROUPS = {" ".join(path.split(" ")[:n]) for path in COMMANDS for n in range(1, len(path.split(" ")))}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
# Other programs that a reader is asked to run.
PROGRAMS = {".", "apt-get", "cat", "cd", "docker", "export", "faust", "git", "kubectl", "pre-commit", "psql", "uv"}
DOCUMENTS = documents()


def split(words: Sequence[str]) -> tuple[str, list[str]]:
    """The command's path and what follows it: `topics apply`, [`--alter`]; a group may hold groups."""
    length = 1
    while length < len(words) and " ".join(words[:length]) in GROUPS:
        length += 1
    return " ".join(words[:length]), list(words[length:])


def options(command: Any) -> dict[str, bool]:
    """The options of a command, each with whether it takes a value."""
    found = {flag(p): not p.is_flag for p in command.params if p.param_type_name == "option"}
    return found | {"--help": False}


def faults(words: Sequence[str]) -> list[str]:
    """What is wrong with `quaystream …`; what follows a placeholder in capitals is not looked at."""
    path, rest = split(words)
    if path not in COMMANDS:
        return [f"no command {path!r}"]
    known, wrong, position = options(COMMANDS[path]), [], 0
    while position < len(rest):
        name, _, value = rest[position].partition("=")
        if name.startswith("--") and name not in known:
            wrong.append(f"{path}: no option {name}")
        position += 2 if known.get(name) and not value else 1
    return wrong


def positionals(words: Sequence[str]) -> int:
    """How many arguments are given."""
    path, rest = split(words)
    known, count, position = options(COMMANDS[path]), 0, 0
    while position < len(rest):
        takes_value = known.get(rest[position], False)
        count += not rest[position].startswith("-")
        position += 2 if takes_value else 1
    return count


def is_runnable(words: Sequence[str]) -> list[str]:
    """What is wrong with a command that is to be typed as it stands."""
    path, _ = split(words)
    wrong = faults(words)
    if wrong:
        return wrong
    command = COMMANDS[path]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    required = [p for p in command.params if p.required]
    given = positionals(words)
    if not sum(p.required for p in arguments) <= given <= len(arguments):
        wrong.append(f"{path}: {given} arguments")
    missing = [flag(p) for p in required if p.param_type_name == "option" and flag(p) not in words]
    return [*wrong, *(f"{path}: {name} is required" for name in missing)]


def problems(words: list[str]) -> list[str]:
    """What is wrong with one command of a shell block."""
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "quaystream":
        return is_runnable(rest)
    if program == "make":
        return [f"no target {target}" for target in rest if target not in TARGETS]
    if program in ("python", "python3") and rest[:1] == ["-m"]:
        return [] if importlib.util.find_spec(rest[1]) else [f"no module {rest[1]}"]
    if program == "pytest":
        return [f"no such path: {path}" for path in rest if path.startswith("tests/") and not (ROOT / path).exists()]
    return [] if program in PROGRAMS or program == "python3" else [f"an unknown program: {program}"]


def inline_commands(document: Document) -> Iterable[list[str]]:
    for code in document.inline():
        if code.startswith(("quaystream ", "make ")) and re.match(r"\w+ [a-z][a-z-]*( |$)", code):
            yield shlex.split(code.replace("'", " "))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_command_of_a_shell_block_is_known(document: Document) -> None:
    assert [fault for words in document.commands() for fault in problems(words)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_every_command_in_a_sentence_is_known(document: Document) -> None:
    wrong = []
    for program, *rest in inline_commands(document):
        if program == "make":
            wrong += [f"no target {target}" for target in rest if target not in TARGETS]
        elif " ".join(rest) not in GROUPS:
            wrong += faults(rest)
    assert wrong == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("topics apply --alter", []),
        ("topics apply --alters", ["topics apply: no option --alters"]),
        ("appply", ["no command 'appply'"]),
        ("dead-letters show cell-events 3", ["dead-letters show: 2 arguments"]),
        ("offsets reset crane-events", ["offsets reset: --to is required"]),
        ("publish a.jsonl --rate 100 --map=m", []),
        ("kpi baseline set --site S --from T --to T", []),
        ("kpi baseline set --site S --from T", ["kpi baseline set: --to is required"]),
        ("kpi baseline unset", ["no command 'kpi baseline unset'"]),
        ("kpi baseline", ["no command 'kpi baseline'"]),
    ],
)
def test_a_wrong_command_would_be_found(typed: str, expected: list[str]) -> None:
    assert is_runnable(typed.split()) == expected


def test_every_command_has_its_section_in_the_reference() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## quaystream (.+)$", page, re.MULTILINE) == list(COMMANDS)


def test_exit_codes_are_told_of_commands_that_exist() -> None:
    assert sorted((set(CHECKS) | set(OTHERS)) - set(COMMANDS) - {"bench"}) == []


def test_every_command_is_shown_at_work_in_a_guide() -> None:
    guides = [document for document in DOCUMENTS if not document.name.startswith("docs/reference/")]
    shown = {split(words[1:])[0] for document in guides for words in document.commands() if words[0] == "quaystream"}
    shown |= {
        split(rest)[0] for document in guides for program, *rest in inline_commands(document) if program != "make"
    }
    assert sorted(set(COMMANDS) - shown) == []
