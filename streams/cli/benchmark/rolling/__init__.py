"""A rolling upgrade as a drill: two workers of the version before are replaced one after the other, and back, under load.

`python -m streams.cli.benchmark.rolling --help`. Afterwards every event must be there once, as the truth says.
"""
