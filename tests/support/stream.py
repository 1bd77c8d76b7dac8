"""A steady stream of numbered events in the background, so that faults meet a working system."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.broker import PARTITIONS, Broker, produce
from tests.support.events import numbered, structured

BURST = 50


@dataclass
class Stream:
    """What a background producer has sent; numbers are counted per partition, so order holds within each."""

    rate_per_s: int
    sent: int = 0
    failures: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, broker: Broker) -> None:
        """Send until `ended`; a broker that is away is waited for."""
        producer = broker.producer(enable_idempotence=True, delivery_timeout_ms=300_000, linger_ms=5)
        started = time.monotonic()
        while not self.ended.wait(max(0.0, started + self.sent / self.rate_per_s - time.monotonic())):
            for _ in range(BURST):
                number, partition = divmod(self.sent, PARTITIONS)
                event = numbered(number + 1, bootid=f"stream-{partition}")
                produce(producer, structured(event).to(partition), self._delivered)
                self.sent += 1
        producer.flush(200)

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self.failures.append(str(error))


@contextmanager
def streaming(broker: Broker, rate_per_s: int) -> Iterator[Stream]:
    """A stream that flows inside the block; afterwards all of it is in the broker."""
    stream = Stream(rate_per_s)
    thread = threading.Thread(target=stream.run, args=[broker], daemon=True)
    thread.start()
    try:
        yield stream
    finally:
        stream.ended.set()
        thread.join(210)
    assert not thread.is_alive(), "the producer did not end"
    assert not stream.failures, stream.failures[:3]
