"""What the board tells about itself."""

import time
from typing import Final

from connectors.prometheus.registry import Registry
from schemas.metrics import (
    BOARD,
    BOARD_READ_FAILURES,
    BOARD_READ_SECONDS,
    BOARD_READ_TIMESTAMP,
    BOARD_VIEWERS,
    BUILD_INFO,
    START_TIMESTAMP,
)

EXPORTED: Final = (*BOARD, BUILD_INFO, START_TIMESTAMP)


class Gauges:
    """The registry of the board, by what happened."""

    def __init__(self, version: str) -> None:
        self._registry = Registry(EXPORTED)
        self._registry.gauge(BUILD_INFO, version).set(1)
        self._registry.gauge(START_TIMESTAMP).set(time.time())
        self._registry.gauge(BOARD_READ_TIMESTAMP).set(float("nan"))
        self._registry.counter(BOARD_READ_FAILURES).inc(0)

    def viewers(self, count: int) -> None:
        self._registry.gauge(BOARD_VIEWERS).set(count)

    def read(self, seconds: float) -> None:
        self._registry.histogram(BOARD_READ_SECONDS).observe(seconds)
        self._registry.gauge(BOARD_READ_TIMESTAMP).set(time.time())

    def failed(self) -> None:
        self._registry.counter(BOARD_READ_FAILURES).inc()

    def text(self) -> bytes:
        """The exposition."""
        return self._registry.text()
