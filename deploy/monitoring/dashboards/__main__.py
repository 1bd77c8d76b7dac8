"""`python -m deploy.monitoring.dashboards [--check]`: write the JSON, or say what differs and exit with 1."""

import argparse
import sys
from pathlib import Path

from deploy.monitoring.dashboards import FOLDER


def main() -> int:
    """Write the dashboards' files, or with `--check` only list those that differ."""
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and list what differs")
    checks = parser.parse_args().check
    wanted = files()
    stale = [path for path in FOLDER.glob("*.json") if path not in wanted]
    differing = sorted([*stale, *(path for path, text in wanted.items() if _read(path) != text)])
    for path in differing:
        hint = " (mend it with: make generate)" if checks else ""
        sys.stdout.write(f"{'differs' if checks else 'written'}: {path.relative_to(FOLDER.parents[3])}{hint}\n")
        if not checks:
            _put(path, wanted.get(path))
    return 1 if checks and differing else 0


def files() -> dict[Path, str]:
    """Every dashboard's file and its text."""
    from deploy.monitoring.dashboards.boards import BOARDS
    from deploy.monitoring.dashboards.grafana import text

    return {FOLDER / f"{board.uid}.json": text(board) for board in BOARDS}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
