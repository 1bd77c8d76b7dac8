"""Rules, their tests, and Alertmanager's routes: files that any Prometheus can load, the local stack's among them."""
