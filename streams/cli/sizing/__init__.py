"""How large an installation must be: one terminal's events (schemas/capacity.yaml) times what an event costs.

constants (read, refreshed) → model (the formulas) → page (docs/capacity.md's tables). The command is streams/cli/capacity.py.
"""
