"""Nothing that looks like a secret is in the repository: `python -m deploy.leaks` looks at every file git keeps.

A line that only looks like one says so: `not a secret` in a comment on it.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXCUSE = "not a secret"
SHAPES = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an access key of a cloud": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of a code host": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|glpat-[\w-]{20}|github_pat_\w{40,})"),
    "a token of a chat": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\."),
    # Short ones and words in brackets are examples, and so is what a program puts there.
    "a password in an address": re.compile(r"\w://[\w.-]+:(?![\w]{1,8}@)[^\s:@/{}<>$*'\"`\\]{8,}@[\w.-]"),
    "a password beside its name": re.compile(
        r"(?i)(password|passwd|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'](?=[^\"']*\d)[A-Za-z0-9+/_-]{20,}={0,2}[\"']"
    ),
}


def leaks(text: str) -> Iterator[tuple[int, str]]:
    """Line number and what it looks like."""
    for what, shape in SHAPES.items():
        for match in shape.finditer(text):
            start = text.rfind("\n", 0, match.start()) + 1
            line = text[start : text.find("\n", match.end()) if "\n" in text[match.end() :] else len(text)]
            if EXCUSE not in line:
                yield text.count("\n", 0, match.start()) + 1, what


def tracked(root: Path = ROOT) -> Iterator[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout  # noqa: S607
    return (root / name for name in names.decode().split("\0") if name and (root / name).is_file())


def found(files: Iterable[Path]) -> Iterator[str]:
    """`file:line: looks like …`; a file that is no text is passed over."""
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield from (f"{file}:{line}: looks like {what}" for line, what in leaks(text))


if __name__ == "__main__":
    lines = list(found(tracked()))
    print("\n".join(lines) or "nothing looks like a secret")
    sys.exit(bool(lines))
