"""Dashboards as code: what each board shows is in a module of its own; `python -m deploy.monitoring.dashboards` writes Grafana's JSON.

The JSON is committed (deploy/monitoring/grafana/dashboards), so that a Grafana needs none of this.
"""

from pathlib import Path

GRAFANA = Path(__file__).parents[1] / "grafana"
FOLDER = GRAFANA / "dashboards"
