"""Reading what a process exports: samples by metric, as numbers. The other way round from registry.py."""

import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from schemas.errors import ServiceUnreachableError

Labels = Mapping[str, str]
TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Exposition:
    """One scrape of one process; `samples` by the name of the sample (with `_total`, `_bucket` …)."""

    samples: Mapping[str, tuple[tuple[Labels, float], ...]]

    def of(self, name: str, **labels: str) -> Iterator[tuple[Labels, float]]:
        """The samples of a name that carry these labels."""
        return ((own, value) for own, value in self.samples.get(name, ()) if labels.items() <= own.items())

    def total(self, name: str, **labels: str) -> float:
        """Their sum; 0 when there is none."""
        return sum(value for _, value in self.of(name, **labels))


def parse(text: str) -> Exposition:
    """Raises ValueError for what is no exposition."""
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, float(sample.value)))
    return Exposition({name: tuple(found) for name, found in samples.items()})


def scrape(url: str) -> Exposition:
    """Ask an http address for its metrics; raises ServiceUnreachableError."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310  (http, from a person or `up`)
            return parse(answer.read().decode())
    except (OSError, ValueError) as error:
        raise ServiceUnreachableError(f"no metrics at {url}: {error}") from error
