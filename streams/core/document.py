"""Reading untrusted JSON: UTF-8, no NaN literals, at most 64 levels; other faults are noted, not raised."""

import json
import math
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from schemas.outcome import Reason
from streams.core.refusal import Refusal, RefusedError

MAX_DEPTH: Final = 64
_LONGEST_INTEGER: Final = 400


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed value; `problem` names an infinity or a NUL inside it, which make its data invalid."""

    value: Any
    problem: str | None


def read_document(payload: bytes) -> Document:
    """Parse `payload`; raises `RefusedError` (undecodable) for what is not UTF-8, not JSON or too deep."""
    try:
        value = json.loads(payload.decode(), parse_constant=_refuse_constant, parse_int=_integer)
    except UnicodeDecodeError as error:
        _undecodable(f"not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        _undecodable(f"not JSON: {error.msg} at character {error.pos}")
    except RecursionError:
        _undecodable(f"nested deeper than {MAX_DEPTH}")
    return Document(value, _walk(value))


def _walk(root: Any) -> str | None:
    problem = None
    pending = [(root, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, (dict, list)):
            if depth > MAX_DEPTH:
                _undecodable(f"nested deeper than {MAX_DEPTH}")
            if isinstance(value, dict):
                pending.extend((key, depth) for key in value)
            pending.extend((inner, depth + 1) for inner in (value.values() if isinstance(value, dict) else value))
        else:
            problem = _problem(value) or problem
    return problem


def _problem(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "a number is infinite or too large"
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            _undecodable("a lone surrogate in text")
    if isinstance(value, str) and "\0" in value:
        return "NUL character in text"
    return None


def _integer(digits: str) -> int | float:
    # No use for integers beyond the largest float; and int() of a huge text is a way to stall a worker.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


def _refuse_constant(literal: str) -> NoReturn:
    _undecodable(f"{literal} is not JSON")


def _undecodable(detail: str) -> NoReturn:
    raise RefusedError(Refusal(Reason.UNDECODABLE, detail))
