"""The page of commands: the typer tree as it is, with every argument, option and exit code."""

import enum
from collections.abc import Iterator
from typing import Any, Final, get_args, get_type_hints

import typer

from streams.cli import build_app
from streams.cli.reference.markdown import code, table

# What exit code 1 means, command by command; the others have none of their own.
CHECKS: Final = {
    "bench": "a contestant did not store every row it should have",
    "chaos": "a seed did not hold; its schedule and logs are kept",
    "dead-letters show": "there is no such dead letter",
    "dead-letters replay": "there is no such dead letter",
    "demo": "`verify` found a difference, or the worker or the simulator ended early",
    "doctor": "something is not as it should be",
    "export": "the egress guard refused and nothing was written; or rows are in no message of the format, and the others are written",
    "share apply": "the egress guard refused a contract; the others are applied",
    "share check": "something is not as the contracts say; each is a line",
    "vault proof": "the log of erasures was changed",
    "mapping try": "records of the sample become no event; each is a line",
    "health": "the process says that something is wrong",
    "onboard": "a test message of `--check` did not arrive, or not everything was applied before",
    "publish": "lines of the file were refused; the others were sent",
    "topics apply": "a topic is not as declared, and was not changed",
    "verify": "the ledger does not add up; every difference is a line",
}
# Exit codes beyond the four.
OTHERS: Final = {"worker": "70: an error nobody foresaw; it is in the log. A supervisor should start the worker again."}
_INTRO: Final = """# Commands

`quaystream COMMAND --help` says the same. With `--json` the answer is for programs.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | a check ran and did not hold |
| 2 | wrong usage or configuration: one line says what, where, and how to mend it |
| 3 | a needed service does not answer |

Every command may end with 0, 2 or 3. Those that may end with 1, or with another, say so.
"""


def page() -> str:
    """The text of the page."""
    return _INTRO + "".join(_section(path, command) for path, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its words after `quaystream`, in the order of the help."""
    yield from _leaves(typer.main.get_command(build_app()), ())


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, inner in command.commands.items():
        yield from _leaves(inner, (*words, name))


def _section(path: str, command: Any) -> str:
    # A line that ends one paragraph and one that begins the next; the help's own line breaks mean nothing.
    paragraphs = (" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    text = f"\n## quaystream {path}\n\n" + "\n\n".join(paragraphs) + "\n"
    if command.params:
        hints = get_type_hints(command.callback)
        rows = (_row(parameter, hints[parameter.name]) for parameter in command.params)
        text += "\n" + table(("parameter", "default", "meaning"), rows)
    if path in CHECKS:
        text += f"\nExit code 1: {CHECKS[path]}.\n"
    if path in OTHERS:
        text += f"\nExit code {OTHERS[path]}\n"
    return text


def _row(parameter: Any, kind: Any) -> tuple[str, str, str]:
    default = "required" if parameter.required else _default(parameter.default)
    if parameter.param_type_name == "argument":
        return code(parameter.metavar or parameter.name.upper()), default, parameter.help or ""
    value = _value(kind, parameter.metavar)
    return code(f"{flag(parameter)} {value}".rstrip()), default, parameter.help or ""


def flag(parameter: Any) -> str:
    """The name of an option as it is written: `--dry-run`."""
    given = parameter.opts[0] if parameter.opts else parameter.name.replace("_", "-")
    return f"--{given.lstrip('-')}"


def _value(kind: Any, metavar: str | None) -> str:
    """What stands behind an option: nothing behind a switch."""
    if kind is bool or metavar:
        return metavar or ""
    plain = next((choice for choice in (*get_args(kind), kind) if isinstance(choice, type)), str)
    if issubclass(plain, enum.Enum):
        return "|".join(str(choice.value) for choice in plain)
    return "N" if issubclass(plain, (int, float)) else "TEXT"


def _default(value: Any) -> str:
    value = getattr(value, "value", value)
    return "" if value in (None, "") or isinstance(value, bool) else code(value)
