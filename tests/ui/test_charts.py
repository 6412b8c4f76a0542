"""The charts: one mechanism, rich-text tooltips everywhere, token colours that can be seen, figures equal to the table."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.core.policy import Permission
from app.ui import samples
from app.ui.charts import TONES, Figures, Percent, percent
from tests.core.floor_app import floor_app, staff

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "static" / "js" / "charts.js"
pytestmark = pytest.mark.pure
STUBS = "globalThis.document={body:{},querySelectorAll:()=>[]};globalThis.getComputedStyle=()=>({fontFamily:'sans'});"


def option_of(data: dict[str, object], folder: Path, module: str) -> dict[str, object]:
    """What the page's script would hand to ECharts, by node."""
    path = folder / "charts.mjs"
    path.write_text(STUBS + "\n" + module)
    run = f"const m = await import('{path}'); console.log(JSON.stringify(m.optionOf({json.dumps(data)})))"
    done = subprocess.run(["node", "--input-type=module", "-e", run], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def render_modes(node: object) -> list[object]:
    if isinstance(node, dict):
        own = [node["renderMode"]] if "renderMode" in node else []
        return own + [found for value in node.values() for found in render_modes(value)]
    return [found for value in node for found in render_modes(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("chart", samples.CHARTS, ids=lambda chart: chart.key)
def test_every_form_has_a_rich_text_tooltip_and_a_description(chart, tmp_path, in_chinese):
    assert shutil.which("node"), "node runs the page's own script"
    option = option_of(json.loads(chart.data), tmp_path, MODULE.read_text())
    assert render_modes(option) == ["richText"]
    assert option["tooltip"]["renderMode"] == "richText"
    assert option["aria"] == {"enabled": True, "label": {"description": f"{chart.title} {chart.answer}"}}
    assert option["animation"] is False and "legend" not in option


def test_the_tooltip_check_can_fail(tmp_path, in_chinese):
    html_tip = MODULE.read_text().replace('renderMode: "richText"', 'renderMode: "html"')
    option = option_of(json.loads(samples.CHARTS[0].data), tmp_path, html_tip)
    assert render_modes(option) == ["html"]


def test_no_other_script_draws_with_the_library():
    users = [path.name for path in (ROOT / "static" / "js").glob("*.js") if "echarts" in path.read_text()]
    assert users == ["charts.js"]


def test_the_library_is_loaded_on_pages_with_charts_only():
    bases = [ROOT / "app/ui/templates/ui/base.html", ROOT / "app/ui/templates/ui/frame/head.html"]
    assert not [path.name for path in bases if "echarts" in path.read_text()]
    for path in (ROOT / "app").rglob("*.html"):
        text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S)
        if "ui.chart(" in text:
            assert "ui.chart_scripts()" in text, path


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tone", TONES)
def test_colours_of_drawings_stand_out_3_to_1(theme, tone):
    block = re.search(rf'\[data-theme="{theme}"\] {{(.*?)}}', (ROOT / "static/css/tokens.css").read_text(), re.S)
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[1]))
    one, other = luminance(tokens["edge" if tone == "idle" else tone]), luminance(tokens["paper"])
    assert (max(one, other) + 0.05) / (min(one, other) + 0.05) >= 3


def test_the_page_holds_the_table_and_the_same_figures(tmp_path):
    with floor_app(tmp_path) as app:
        app.extensions["acting"] = staff(Permission.STYLE_READ)
        page = app.test_client().get("/help/style").get_data(as_text=True)
    assert page.count("data-chart=") == len(samples.CHARTS)
    data = json.loads(html.unescape(re.search(r'id="chart-over".*?data-chart="([^"]*)"', page, re.S)[1]))
    table = re.search(r'id="chart-over".*?<tbody[^>]*>(.*?)</tbody>', page, re.S)[1]
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", table)
    arrivals = [int(cells[i]) for i in range(1, len(cells), 3)]
    assert [v["value"] if isinstance(v, dict) else v for v in data["series"][0]["values"]] == arrivals
    assert "charts.js" in page and "echarts.common.min.js" in page


def test_shares_read_as_percents_and_stay_numbers():
    assert [percent(v) for v in (0, 0.5, 0.9259, 1)] == ["0%", "50%", "92.6%", "100%"]
    assert str(Percent(0.25)) == "25%" and Percent(0.25) + 0 == 0.25
    assert Figures((("a", "num"), "b"), []).names == ["a", "b"]


@pytest.fixture
def in_chinese(tmp_path_factory):
    """Lazy words need an app."""
    with floor_app(tmp_path_factory.mktemp("words")) as app, app.test_request_context():
        yield
