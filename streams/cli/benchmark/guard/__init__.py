"""The regression guard: how much Python-level work one event costs, counted and not timed.

chain (the pure stages on a fixed batch) → work (what is counted) → budget (what is allowed).
`python -m streams.cli.benchmark.guard` shows the table; `--write` takes what is now as the budget.
"""
