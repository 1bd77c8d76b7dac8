"""Property tests draw the same examples on every run; `QUAYSTREAM_TEST_EXAMPLES` multiplies their number for a longer hunt."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("QUAYSTREAM_TEST_EXAMPLES", "1"))

settings.register_profile(
    "steady",
    max_examples=100 * TIMES,
    derandomize=TIMES == 1,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("steady")
