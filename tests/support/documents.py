"""The documents as the tests read them: prose, code blocks, inline code, and the commands in both."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHELL = {"sh", "console", "bash", ""}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_STARTS = ("quaystream ", "make ")


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _FENCE.sub("", self.text)

    def links(self) -> list[str]:
        """The targets of its links."""
        return _LINK.findall(self.prose)

    def inline(self) -> list[str]:
        """What stands in backticks."""
        return _INLINE.findall(self.prose)

    def blocks(self, *languages: str) -> list[str]:
        """The code blocks of these languages."""
        return [text for language, text in _FENCE.findall(self.text) if language in languages]

    def commands(self) -> Iterator[list[str]]:
        """The words of every command in its shell blocks: after a `$`, or all lines of a `sh` block."""
        for language, block in _FENCE.findall(self.text):
            if language in SHELL:
                for line in _typed(language, block):
                    yield from _simple_commands(line)


def documents() -> list[Document]:
    """Every Markdown file of the repository, generated ones included."""
    found = (path for path in ROOT.rglob("*.md") if not _is_hidden(path))
    return [Document(path) for path in sorted(found)]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts)


def _typed(language: str, block: str) -> Iterator[str]:
    """The lines that a person types; without a language those that are plainly ours."""
    here_document = None
    for line in block.splitlines():
        if here_document is not None:
            here_document = None if line.strip() == here_document else here_document
            continue
        typed = line.removeprefix("$ ")
        if not typed.strip() or (typed == line and language != "sh" and not _is_ours(language, line)):
            continue
        opened = re.search(r"<<-?'?(\w+)'?", typed)
        here_document = opened[1] if opened else None
        yield typed


def _is_ours(language: str, line: str) -> bool:
    return language == "" and line.startswith(_STARTS)


def _simple_commands(line: str) -> Iterator[list[str]]:
    """Parted at pipes, semicolons and ampersands; assignments and `sudo` in front are taken off."""
    lexer = shlex.shlex(re.sub(r"<([a-z ]+)>", r"\1", line), posix=True, punctuation_chars="|;&")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word.strip("|;&"):
            words.append(word)
            continue
        while words and (_ASSIGNMENT.match(words[0]) or words[0] == "sudo"):
            words.pop(0)
        if words:
            yield words
        words = []
