"""Kubernetes: what is generated, rendered and checked of `base`, `kafka`, `database` and the overlays."""
