"""What a link is like: values of the TCP proxy, each fault of a network a field."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weather:
    """The state of a link, for both directions unless said otherwise; the default is a link without a fault.

    `delay_s` (plus up to `jitter_s`) holds every piece back, order kept; `bytes_per_s` bounds the rate of each direction;
    `cut_after` bytes of one connection's direction it is reset; a piece from the client that contains `cut_on` is passed
    on, and then the client is reset before it hears the answer, at most `cuts` times; `is_silent` accepts and passes
    nothing on (half-open, a black hole), and goes on with what it held when the weather changes; `refuses` resets every
    new connection.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    cut_after: int = 0
    cut_on: bytes = b""
    cuts: int = 1
    is_silent: bool = False
    refuses: bool = False


FAIR = Weather()
