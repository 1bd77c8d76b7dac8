"""Mapping as data: which outside field becomes which field of an event, in which unit. No formulas."""
