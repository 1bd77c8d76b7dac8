"""From dashboards as values to Grafana's JSON, by grafana-foundation-sdk. Needs the development packages."""

import json
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import statushistory as strip
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from deploy.monitoring.dashboards.panel import COLUMNS, Choice, Dashboard, Panel, Promql, Row, Sql, Step

# What Grafana calls the kinds of source. Which source it is, the reader chooses: no uid of one is in any panel.
PROMETHEUS = model.DataSourceRef("prometheus", "${prometheus}")
DATABASE = model.DataSourceRef("grafana-postgresql-datasource", "${database}")
TAG = "quaystream"
# Where the documents are served; the place of another is set in this variable of each dashboard.
DOCS = "docs"
ROW_HEIGHT = 1
# Every kind of panel's builder has the methods used here, under no common name.
Builder = Any


class _SqlTarget(variants.Dataquery):
    """The SDK has no class for PostgreSQL's queries."""

    def __init__(self, text: str, as_series: bool, ref: str) -> None:
        self._json = {
            "datasource": DATABASE,
            "editorMode": "code",
            "format": "time_series" if as_series else "table",
            "rawQuery": True,
            "rawSql": text,
            "refId": ref,
        }

    def to_json(self) -> dict[str, object]:
        return self._json

    def build(self) -> "_SqlTarget":
        return self


def text(board: Dashboard) -> str:
    """The dashboard's file: the same values give the same bytes."""
    built = _dashboard(board).build()
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard(board: Dashboard) -> dashboard.Dashboard:
    made = dashboard.Dashboard(board.title).uid(board.uid).description(board.says).tags([TAG]).readonly()
    made.time(board.since, "now").refresh("30s").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    made.link(_siblings())
    for variable in (*_sources(), *map(_choice, board.choices)):
        made.with_variable(variable)
    y, number = 0, 0
    for row in board.rows:
        made.with_row(_heading(row, y, number := number + 1))
        y += ROW_HEIGHT
        x, lowest = 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, lowest = 0, y + lowest, 0
            place = model.GridPos(h=panel.height, w=panel.width, x=x, y=y)
            made.with_panel(_panel(panel).grid_pos(place).id(number := number + 1))
            x, lowest = x + panel.width, max(lowest, panel.height)
        y += lowest
    return made


def _heading(row: Row, y: int, number: int) -> dashboard.Row:
    return dashboard.Row(row.title).grid_pos(model.GridPos(h=ROW_HEIGHT, w=COLUMNS, x=0, y=y)).id(number)


def _siblings() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("quaystream").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _sources() -> tuple[Builder, ...]:
    sources = [
        dashboard.DatasourceVariable(name).label(label).type(str(reference.type_val))
        for name, label, reference in (("prometheus", "Metrics", PROMETHEUS), ("database", "Database", DATABASE))
    ]
    return *sources, dashboard.ConstantVariable(DOCS).label("Documents").value(DOCS)


def _choice(choice: Choice) -> dashboard.QueryVariable:
    made = dashboard.QueryVariable(choice.name).label(choice.label).datasource(DATABASE).query(choice.query)
    made.multi(True).refresh(model.VariableRefresh.ON_DASHBOARD_LOAD).sort(model.VariableSort.DISABLED)
    if choice.all:
        made.include_all(True).current(model.VariableOption(text=["All"], value=["$__all"]))
    return made


def _panel(panel: Panel) -> Builder:
    made = _KINDS[panel.kind](panel)
    made.title(panel.title).description(panel.says).unit(panel.unit).no_value("no data")
    made.datasource(PROMETHEUS if isinstance(panel.queries[0], Promql) else DATABASE)
    made.links([_link("What it means", panel.means), _link("Runbook", f"runbooks/{panel.runbook}.md")])
    for ref, query in zip("ABCDEF", panel.queries, strict=False):
        made.with_target(_target(query, panel, ref))
    if panel.steps:
        made.thresholds(_thresholds(panel.steps))
    if panel.bounds:
        made.min(panel.bounds[0]).max(panel.bounds[1])
    if panel.colours:
        made.mappings([model.ValueMap(options=_words(panel))])
    for column, unit in panel.units.items():
        made.override_by_name(column, [model.DynamicConfigValue(id_val="unit", value=unit)])
    return made


def _link(title: str, page: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).target_blank(True)
    return link.url(f"${{{DOCS}}}/{page}")


def _target(query: Promql | Sql, panel: Panel, ref: str) -> Builder:
    if isinstance(query, Sql):
        return _SqlTarget(query.text.strip(), panel.kind in ("timeseries", "timeline", "strip"), ref)
    made = (
        prometheus.Dataquery().expr(query.text.strip()).legend_format(query.legend).datasource(PROMETHEUS).ref_id(ref)
    )
    if query.instant:
        made.instant()
    else:
        made.range()
    if panel.kind == "table":
        made.format(PromQueryFormat.TABLE)
    return made


def _thresholds(steps: tuple[Step, ...]) -> dashboard.ThresholdsConfig:
    made = [model.Threshold(step.value, step.colour) for step in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _words(panel: Panel) -> dict[str, model.ValueMappingResult]:
    return {
        str(number) if panel.kind == "timeline" else word: model.ValueMappingResult(
            text=word, color=colour, index=number
        )
        for number, (word, colour) in enumerate(panel.colours.items())
    }


def _timeseries(panel: Panel) -> Builder:
    made = timeseries.Panel().line_width(1).fill_opacity(40 if panel.stacked else 8).legend(_legend())
    made.tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    elif panel.steps:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    return made


def _legend() -> common.VizLegendOptions:
    made = common.VizLegendOptions().display_mode(options.LegendDisplayMode.LIST).show_legend(True)
    return made.placement(options.LegendPlacement.BOTTOM)


def _stat(panel: Panel) -> Builder:
    made = stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).text_mode(_stat_text(panel))
    colour = options.BigValueColorMode.BACKGROUND if panel.steps else options.BigValueColorMode.VALUE
    return made.color_mode(colour).graph_mode(options.BigValueGraphMode.NONE)


def _stat_text(panel: Panel) -> options.BigValueTextMode:
    several = isinstance(panel.queries[0], Promql) and panel.queries[0].legend
    return options.BigValueTextMode.VALUE_AND_NAME if several else options.BigValueTextMode.VALUE


def _table(panel: Panel) -> Builder:
    made = table.Panel().show_header(True).filterable(True).cell_height(options.TableCellHeight.SM)
    return made.display_mode(options.TableCellDisplayMode.COLOR_BACKGROUND) if panel.steps else made


def _bars(panel: Panel) -> Builder:
    every_row = common.ReduceDataOptions().values(True).calcs(["lastNotNull"])
    one_each = common.ReduceDataOptions().calcs(["lastNotNull"])
    made = bargauge.Panel().reduce_options(every_row if isinstance(panel.queries[0], Sql) else one_each)
    return made.display_mode(options.BarGaugeDisplayMode.BASIC).orientation(options.VizOrientation.HORIZONTAL)


def _timeline(_: Panel) -> Builder:
    """A state lasts until the next one of the same machine, whatever others say in between (the SDK has no word for it)."""
    made = statetimeline.Panel().merge_values(True).show_value(options.VisibilityMode.NEVER).row_height(0.8)
    made.override_by_field_type("number", [model.DynamicConfigValue(id_val="custom.spanNulls", value=True)])
    return made.legend(_legend())


def _strip(_: Panel) -> Builder:
    made = strip.Panel().show_value(options.VisibilityMode.NEVER).row_height(0.9).legend(_legend())
    return made.color_scheme(dashboard.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))


_KINDS = {
    "timeseries": _timeseries,
    "stat": _stat,
    "table": _table,
    "bars": _bars,
    "timeline": _timeline,
    "strip": _strip,
}
