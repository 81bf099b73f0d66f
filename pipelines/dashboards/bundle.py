"""From the short list of dashboards in ``data/dashboards`` to the YAML files that Superset imports.

Superset wants every chart as parameters and as a query, every dataset with all its columns, every reference as a UUID.
Here each of these is said once. Columns, their types and what they mean are read from the published file.
"""

from __future__ import annotations

import io
import json
import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from pipelines.publish.postgresql import TYPES

FOLDER = Path(__file__).parents[2] / "data" / "dashboards"
NAMESPACE = uuid.UUID("6f0e3c52-5f5b-4d0e-9f0b-6a1d3f0c7d11")
VERSION = "1.0.0"
COLUMNS_OF_GRID = 12
HEIGHTS = {"big_number_total": 20, "table": 50, "echarts_timeseries_line": 50, "echarts_timeseries_bar": 50}
MOST_ROWS = 1000
NO_FILTER = "No filter"

FORMATS = {
    r"_hours$|^shown_|^burn_rate|_misses$|^misses_left$|^first_published$|^now$": ",.1f",
    r"(_rate|_share|_low|_high|_probability)$|^share$": ".1%",
    r"^penalty": ",.0f",
}
"""How a number is shown, by its column's name: the first that fits."""

WORDS = {
    "achievement_rate": "Kept share",
    "rate_low": "From (95 %)",
    "rate_high": "To (95 %)",
    "target_rate": "Target",
    "expected_rate": "Share expected then",
    "elapsed_p50_hours": "Median hours",
    "elapsed_p90_hours": "90 % within hours",
    "waiting_p50_hours": "Median wait, hours",
    "waiting_p90_hours": "90 % wait under, hours",
    "stake_rank": "Rank",
    "node_order": "No.",
    "in_progress_warning": "Open past tolerance",
    "reached_node_name": "Node reached",
    "breach_probability": "Likely late",
    "left_hours": "Hours left",
    "commitment_due_at": "Due",
    "commitment_overrun_hours": "Hours over",
    "commitment_limit_hours": "Limit, hours",
    "work_order_id": "Work order",
    "hand_over_share": "Handed over",
    "expected_every_hours": "Expected every, hours",
    "gap": "No.",
    "burn_rate_28_days": "Burn rate, 28 days",
    "to_end_hours": "Hours until it ended",
    "size_hours": "Mean size, hours",
    "size_per_work_order_hours": "Hours per work order",
    "commitment_id": "Commitment",
    "n": "Work orders",
    "denominator": "Out of",
    "is_commitment_kept": "Kept",
}
"""Headings that the column's name in words would not do for."""

WIDTHS = {"reason": 420, "work_order_id": 110}
"""At least so many pixels for a column that would be squeezed."""

COLOURS = {
    "normal": "#2f855a",
    "acceptable": "#d69e2e",
    "warning": "#c53030",
    "uncommitted": "#a0aec0",
    "cancelled": "#cbd5e0",
    "in_progress": "#3182ce",
    "mend": "#c53030",
    "lower": "#dd6b20",
    "watch": "#d69e2e",
    "uncertain": "#a0aec0",
    "not enough data": "#cbd5e0",
    "raise": "#2f855a",
}


@dataclass(frozen=True)
class Outlet:
    """A database that Superset reads the marts from."""

    name: str
    """For people and in every name that Superset wants once only."""
    uri: str
    is_postgresql: bool


@dataclass(frozen=True)
class Chart:
    """A chart as its dashboard lists it."""

    dashboard: str
    place: int
    """1, 2, 3 … over all dashboards."""
    listed: Mapping[str, Any]

    @property
    def title(self) -> str:
        """As shown above it."""
        return self.listed["title"]

    @property
    def dataset(self) -> str:
        """The dataset that it stands on."""
        return self.listed["of"]

    @property
    def may_be_empty(self) -> bool:
        """Whether nothing to show is no fault."""
        return self.listed.get("may_be_empty", False)

    @cached_property
    def viz_type(self) -> str:
        """What Superset calls its kind."""
        return next(
            kind
            for key, kind in {
                "number": "big_number_total",
                "table": "table",
                "lines": "echarts_timeseries_line",
                "bars": "echarts_timeseries_bar",
            }.items()
            if key in self.listed
        )

    @property
    def metrics(self) -> list[str]:
        """Metrics of the dataset by name."""
        return (
            [self.listed["number"]]
            if "number" in self.listed
            else self.listed.get("lines", self.listed.get("bars", []))
        )

    @property
    def columns(self) -> list[str]:
        """Columns of the dataset that the query asks for."""
        if "table" in self.listed:
            return self.listed["table"]
        return [self.listed["along"], *self.listed.get("by", [])] if "along" in self.listed else []

    @property
    def width(self) -> int:
        """Of a row's twelve."""
        return self.listed.get("width", 4 if "number" in self.listed else COLUMNS_OF_GRID)

    @property
    def conditions(self) -> list[tuple[str, str, Any]]:
        """Column, operator, value."""
        return [
            (column, ("IS TRUE" if value else "IS FALSE"), None) if isinstance(value, bool) else (column, "==", value)
            for column, value in self.listed.get("only", {}).items()
        ]

    @property
    def order(self) -> list[tuple[str, bool]]:
        """Column and whether it rises."""
        return [(column.lstrip("-"), not column.startswith("-")) for column in self.listed.get("order", [])]


@dataclass(frozen=True)
class Dashboard:
    """One file of the list."""

    name: str
    listed: Mapping[str, Any]
    rows: list[list[Chart]]

    @property
    def charts(self) -> list[Chart]:
        """In reading order."""
        return [chart for row in self.rows for chart in row]


@dataclass(frozen=True)
class Listing:
    """All that is listed."""

    datasets: Mapping[str, Any]
    dashboards: list[Dashboard]


def listing(folder: Path = FOLDER) -> Listing:
    """Read what is listed in ``folder``: datasets.yml, and one file a dashboard."""
    yaml = YAML(typ="safe")
    dashboards, place = [], 0
    for file in sorted(folder.glob("*.yml")):
        if file.stem == "datasets":
            continue
        listed, rows = yaml.load(file), []
        for row in listed["rows"]:
            rows.append([Chart(file.stem, place + n, chart) for n, chart in enumerate(row, 1)])
            place += len(row)
        dashboards.append(Dashboard(file.stem, listed, rows))
    return Listing(yaml.load(folder / "datasets.yml"), dashboards)


def write_bundle(published: Path, outlet: Outlet, bundle: Path) -> None:
    """Write the zip file that Superset imports; which columns there are is read from the file ``published``."""
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path, content in _Maker(listing(), published, outlet).files():
            text = io.StringIO()
            yaml.dump(content, text)
            zipped.writestr(f"commitments/{path}", text.getvalue())


def _identity(outlet: Outlet, kind: str, name: object) -> str:
    # An import replaces what has the same one.
    return str(uuid.uuid5(NAMESPACE, f"{outlet.name}/{kind}/{name}"))


def slug(outlet: Outlet, dashboard: Dashboard) -> str:
    """The last part of a dashboard's address."""
    return f"{dashboard.name}_{outlet.name.lower()}".replace("_", "-")


def words(name: str) -> str:
    """A name as people read it."""
    return WORDS.get(name) or re.sub(r"^(is|shown) ", "", name.replace("_", " ")).removesuffix(" name").capitalize()


def number_format(column: str) -> str | None:
    """How d3 shows the numbers of a column; None for Superset's own way."""
    return next((shown for pattern, shown in FORMATS.items() if re.search(pattern, column)), None)


@dataclass(frozen=True)
class _Maker:
    listing: Listing
    published: Path
    outlet: Outlet

    def files(self) -> Iterator[tuple[str, Any]]:
        yield "metadata.yaml", {"version": VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"}
        yield (
            f"databases/{self.outlet.name}.yaml",
            {
                "database_name": f"Commitments ({self.outlet.name})",
                "sqlalchemy_uri": self.outlet.uri,
                "expose_in_sqllab": True,
                "allow_run_async": False,
                "allow_ctas": False,
                "allow_cvas": False,
                "allow_dml": False,
                "allow_file_upload": False,
                "extra": {"allows_virtual_table_explore": True},
                "uuid": _identity(self.outlet, "database", ""),
                "version": VERSION,
            },
        )
        for name in self.listing.datasets:
            yield f"datasets/{self.outlet.name}/{name}.yaml", self._dataset(name)
        for dashboard in self.listing.dashboards:
            for chart in dashboard.charts:
                yield f"charts/{chart.dashboard}_{chart.place}.yaml", self._chart(chart)
            yield f"dashboards/{dashboard.name}.yaml", self._dashboard(dashboard)

    # --- datasets -------------------------------------------------------------------------------------------------

    @cached_property
    def _columns(self) -> dict[str, dict[str, tuple[str, str | None]]]:
        """By dataset and column: its type in DuckDB, and what the marts say that it means."""
        with duckdb.connect(str(self.published), read_only=True) as con:
            said = {
                (table, column): comment
                for table, column, comment in con.execute(
                    "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'marts'"
                ).fetchall()
            }
            return {
                name: {
                    column: (
                        kind,
                        next(
                            (
                                said[mart, column]
                                for mart in re.findall(r"marts\.(\w+)", dataset["sql"])
                                if said.get((mart, column))
                            ),
                            None,
                        ),
                    )
                    for column, kind, *_ in con.execute(f"DESCRIBE {dataset['sql']}").fetchall()
                }
                for name, dataset in self.listing.datasets.items()
            }

    def _dataset(self, name: str) -> dict[str, Any]:
        listed, columns = self.listing.datasets[name], self._columns[name]
        return {
            "table_name": f"{name} ({self.outlet.name})",
            "main_dttm_col": "period_start" if "period_start" in columns else None,
            "description": listed["description"],
            "schema": "marts",
            "sql": listed["sql"],
            "uuid": _identity(self.outlet, "dataset", name),
            "database_uuid": _identity(self.outlet, "database", ""),
            "version": VERSION,
            "normalize_columns": False,
            "always_filter_main_dttm": False,
            "metrics": [
                {
                    "metric_name": metric,
                    "verbose_name": said["label"],
                    "expression": said["sql"],
                    "d3format": said["format"],
                }
                for metric, said in listed.get("metrics", {}).items()
            ],
            "columns": [
                {
                    "column_name": column,
                    "verbose_name": words(column),
                    "description": meaning,
                    "type": TYPES.get(kind, kind).upper() if self.outlet.is_postgresql else kind,
                    "is_dttm": kind.startswith(("DATE", "TIMESTAMP")),
                    "groupby": True,
                    "filterable": True,
                    "is_active": True,
                }
                for column, (kind, meaning) in columns.items()
            ],
        }

    # --- charts ---------------------------------------------------------------------------------------------------

    def _chart(self, chart: Chart) -> dict[str, Any]:
        params = {
            "viz_type": chart.viz_type,
            "adhoc_filters": [
                {
                    "clause": "WHERE",
                    "expressionType": "SIMPLE",
                    "subject": column,
                    "operator": operator,
                    "comparator": value,
                }
                for column, operator, value in chart.conditions
            ],
            "row_limit": MOST_ROWS,
            "time_range": NO_FILTER,
        } | self._looks(chart)
        query = {
            "columns": chart.columns,
            "filters": [
                {"col": column, "op": operator} | ({} if value is None else {"val": value})
                for column, operator, value in chart.conditions
            ],
            "orderby": [[column, rises] for column, rises in chart.order],
            "row_limit": MOST_ROWS,
            "time_range": NO_FILTER,
            "extras": {"having": "", "where": ""},
        }
        if chart.metrics:
            # Without them rows come as they are; with an empty list of them each would come once.
            query["metrics"] = chart.metrics
        context = {
            # Superset puts its own number in.
            "datasource": {"id": 0, "type": "table"},
            "force": False,
            "queries": [query],
            "form_data": params,
            "result_format": "json",
            "result_type": "full",
        }
        return {
            "slice_name": f"{chart.title} ({self.outlet.name})",
            "description": chart.listed.get("note") or self.listing.datasets[chart.dataset]["description"],
            "viz_type": chart.viz_type,
            "params": params,
            "query_context": json.dumps(context),
            "uuid": _identity(self.outlet, "chart", f"{chart.dashboard}/{chart.title}"),
            "dataset_uuid": _identity(self.outlet, "dataset", chart.dataset),
            "version": VERSION,
        }

    def _looks(self, chart: Chart) -> dict[str, Any]:
        if chart.viz_type == "table":
            return {
                "query_mode": "raw",
                "all_columns": chart.columns,
                "order_by_cols": [json.dumps([column, rises]) for column, rises in chart.order],
                "column_config": self._shown_as(chart),
                "table_timestamp_format": "%Y-%m-%d %H:%M",
                "page_length": 0,
                "server_pagination": False,
                "include_search": False,
                "show_cell_bars": False,
                # Text from the sources is text.
                "allow_render_html": False,
            }
        metrics = self.listing.datasets[chart.dataset]["metrics"]
        shown_as = metrics[chart.metrics[0]]["format"]
        if chart.viz_type == "big_number_total":
            return {"metric": chart.metrics[0], "y_axis_format": shown_as, "header_font_size": 0.5}
        along, is_bar = chart.listed["along"], "bars" in chart.listed
        kind = self._columns[chart.dataset][along][0]
        return {
            "x_axis": along,
            "metrics": chart.metrics,
            "groupby": chart.listed.get("by", []),
            "time_grain_sqla": None,
            "x_axis_time_format": "%Y-%m-%d" if along == "day" else "%Y-%m",
            "xAxisForceCategorical": kind == "VARCHAR",
            "y_axis_format": shown_as,
            "rich_tooltip": True,
            "show_legend": len(chart.metrics) > 1 or bool(chart.listed.get("by")),
            "legendType": "plain" if chart.listed.get("long_legend") else "scroll",
            "legendMargin": 60 if chart.listed.get("long_legend") else None,
            "legendOrientation": "top",
            "sort_series_type": "name",
            "truncateXAxis": True,
            # Bars that lie down begin at the bottom: the longest comes last to stand on top.
            "x_axis_sort": chart.metrics[0] if chart.listed.get("across") and not chart.listed.get("by") else None,
            "x_axis_sort_asc": True,
            "color_scheme": "supersetColors",
        } | (
            {"stack": "Stack", "orientation": "horizontal" if chart.listed.get("across") else "vertical"}
            if is_bar
            else {
                "markerEnabled": kind == "DATE",
                "markerSize": 4,
                "truncateYAxis": True,
                "y_axis_bounds": [0, None],
            }
        )

    def _shown_as(self, chart: Chart) -> dict[str, dict[str, Any]]:
        kinds = {column: self._columns[chart.dataset][column][0] for column in chart.columns}
        return {
            column: {
                **({"d3NumberFormat": how} if (how := number_format(column)) else {}),
                **({"d3TimeFormat": "%Y-%m-%d"} if kind == "DATE" else {}),
                **({"columnWidth": WIDTHS[column]} if column in WIDTHS else {}),
            }
            for column, kind in kinds.items()
        }

    # --- dashboards -----------------------------------------------------------------------------------------------

    def _dashboard(self, dashboard: Dashboard) -> dict[str, Any]:
        return {
            "dashboard_title": f"{dashboard.listed['title']} ({self.outlet.name})",
            "description": dashboard.listed["description"],
            "slug": slug(self.outlet, dashboard),
            "published": True,
            "uuid": _identity(self.outlet, "dashboard", dashboard.name),
            "position": self._position(dashboard),
            "metadata": {
                "native_filter_configuration": self._filters(dashboard),
                "cross_filters_enabled": True,
                "color_scheme": "supersetColors",
                "label_colors": self._colours(),
                "expanded_slices": {},
                "refresh_frequency": 0,
            },
            "version": VERSION,
        }

    def _colours(self) -> dict[str, str]:
        return {
            shown: colour
            for name, colour in COLOURS.items()
            for shown in (name, f"in progress {name}", f"{name}_runs", f"completed_{name}_runs")
        }

    def _position(self, dashboard: Dashboard) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": dashboard.listed["title"]}},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "parents": ["ROOT_ID"], "children": []},
        }
        for number, row in enumerate(dashboard.rows, 1):
            name = f"ROW-{number}"
            parts["GRID_ID"]["children"].append(name)
            parts[name] = {
                "type": "ROW",
                "id": name,
                "parents": ["ROOT_ID", "GRID_ID"],
                "children": [f"CHART-{chart.place}" for chart in row],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
            for chart in row:
                parts[f"CHART-{chart.place}"] = {
                    "type": "CHART",
                    "id": f"CHART-{chart.place}",
                    "parents": ["ROOT_ID", "GRID_ID", name],
                    "children": [],
                    "meta": {
                        "chartId": chart.place,
                        "uuid": _identity(self.outlet, "chart", f"{chart.dashboard}/{chart.title}"),
                        "sliceName": chart.title,
                        "sliceNameOverride": chart.title,
                        "width": chart.width,
                        "height": chart.listed.get("height", HEIGHTS[chart.viz_type]),
                    },
                }
        return parts

    def _filters(self, dashboard: Dashboard) -> list[dict[str, Any]]:
        columns = dashboard.listed.get("filters", [])
        filters = [self._filter(dashboard, column, dashboard.charts) for column in columns]
        if chosen := dashboard.listed.get("choose"):
            charts = [chart for chart in dashboard.charts if chart.listed.get("chosen")] or dashboard.charts
            filters.append(self._filter(dashboard, chosen, charts, columns))
        return filters

    def _filter(
        self, dashboard: Dashboard, column: str, charts: list[Chart], within: list[str] | None = None
    ) -> dict[str, Any]:
        """A list to pick from; where ``within`` is given, always exactly one, of those that these filters leave."""
        dataset = next(chart.dataset for chart in charts if column in self._columns[chart.dataset])
        return {
            "id": f"NATIVE_FILTER-{dashboard.name}-{column}",
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "name": words(column),
            "description": "",
            "targets": [
                {"column": {"name": column}, "datasetUuid": _identity(self.outlet, "dataset", dataset)},
            ],
            "controlValues": {
                "multiSelect": within is None,
                "enableEmptyFilter": within is not None,
                "defaultToFirstItem": within is not None,
                "inverseSelection": False,
                "searchAllOptions": False,
            },
            "requiredFirst": within is not None,
            "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
            "cascadeParentIds": [f"NATIVE_FILTER-{dashboard.name}-{parent}" for parent in within or []],
            "scope": {
                "rootPath": ["ROOT_ID"],
                "excluded": [chart.place for chart in dashboard.charts if chart not in charts],
            },
        }
