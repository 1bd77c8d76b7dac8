"""Prometheus: a registry built from the metrics catalogue (schemas/metrics.py), and nothing outside it."""

from connectors.prometheus.registry import Registry

__all__ = ["Registry"]
