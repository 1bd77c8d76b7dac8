"""The long outage as a drill: a simulated port writes, the broker is away, the gateway is killed again and again.

`python -m streams.cli.benchmark.outage --help`. Afterwards everything must be there once, in order, as the truth says.
"""
