"""What the read API tells about itself."""

import time
from typing import Final

from connectors.prometheus.registry import Registry
from schemas.metrics import API, API_REQUESTS, API_ROWS, BUILD_INFO, START_TIMESTAMP

EXPORTED: Final = (*API, BUILD_INFO, START_TIMESTAMP)


class Gauges:
    """The registry of the API, by what happened."""

    def __init__(self, version: str) -> None:
        self._registry = Registry(EXPORTED)
        self._registry.gauge(BUILD_INFO, version).set(1)
        self._registry.gauge(START_TIMESTAMP).set(time.time())

    def answered(self, status: int) -> None:
        self._registry.counter(API_REQUESTS, str(status)).inc()

    def gave(self, contract: str, rows: int) -> None:
        self._registry.counter(API_ROWS, contract).inc(rows)

    def text(self) -> bytes:
        """The exposition."""
        return self._registry.text()
