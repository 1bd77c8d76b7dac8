"""Judged minutes (`port.sla_minute`) as strips and counts per device."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.board.memory import MINUTE, Answers
from schemas.board import STRIP_MINUTES, Profile

LATENESS: Final = timedelta(minutes=3)
"""Minutes are judged within so long. The strip ends at the newest judged one, or so long ago if judging stands still."""
_RANK: Final = {"unknown": 0, "in": 1, "out": 2}
_LETTERS: Final = "uio"


@dataclass(frozen=True, slots=True)
class Judged:
    """`worst`: by device and minute the rank of the worst of its profiles, 2 out, 1 in, 0 unknown."""

    until: datetime
    worst: Mapping[str, Mapping[datetime, int]]
    profiles: Mapping[str, list[Profile]]

    def of(self, device: str) -> tuple[str, list[Profile]]:
        """Its strip, oldest minute first, and its counts by profile."""
        ranks = self.worst.get(device, {})
        minutes = (self.until - MINUTE * back for back in range(STRIP_MINUTES, 0, -1))
        return "".join(_LETTERS[ranks.get(minute, 0)] for minute in minutes), self.profiles.get(device, [])


def judged_minutes(answers: Answers) -> Judged:
    """Of all devices; a profile no longer declared is left out."""
    rows = answers["sla"]
    targets = {(row["profile"], row["version"]): row["target"] for row in answers["profiles"]}
    worst: dict[str, dict[datetime, int]] = defaultdict(dict)
    counts: dict[str, dict[tuple[str, int], list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    for row in rows:
        rank = _RANK[row["state"]]
        minutes = worst[row["asset_id"]]
        minutes[row["bucket"]] = max(minutes.get(row["bucket"], 0), rank)
        counts[row["asset_id"]][row["profile"], row["version"]][rank] += 1
    at: datetime = answers["pipeline"][0]["at"]
    floor = at.replace(second=0, microsecond=0)
    newest = max((row["bucket"] + MINUTE for row in rows), default=floor)
    profiles = {
        device: [
            Profile(profile=key[0], target=targets[key], good=good, bad=bad)
            for key, (_, good, bad) in sorted(by_profile.items())
            if key in targets
        ]
        for device, by_profile in counts.items()
    }
    return Judged(max(min(newest, floor), floor - LATENESS), worst, profiles)
