"""How values read: durations, deadlines, caps, masks, attributes; and the toast cookie and vendored files."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask, g
from flask_babel import Babel

from app.core import clock
from app.ui import formatters, toasts

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 6, 18, tzinfo=UTC)


class _Settings:
    production = False


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "x" * 40
    app.extensions["settings"] = _Settings()
    Babel(app, default_locale="zh_Hans_CN")
    toasts.install(app)

    @app.post("/act")
    def act() -> str:
        toasts.show("done", "REG-20261123-0042 已通过", "/undo", 60)
        return ""

    @app.get("/next")
    def after() -> str:
        return "|".join(toast.message for toast in toasts.pending())

    return app


def test_duration_and_due(app: Flask) -> None:
    with app.test_request_context(), clock.frozen(NOW):
        assert formatters.duration(3 * 3600 + 12 * 60) == "3 小时 12 分"
        assert formatters.duration(timedelta(days=2, hours=4, minutes=9)) == "2 天 4 小时"
        assert formatters.duration(0) == "0 秒"
        assert formatters.due_facts(NOW + timedelta(hours=2, minutes=12)).words == "剩余 2 小时 12 分"
        late = formatters.due_facts(NOW - timedelta(days=2, hours=5))
        assert (late.words, late.tone, late.share) == ("超时 2 天", "late", None)
        assert formatters.due_facts(NOW, left=7200, budget=28800).share == 0.25
        assert formatters.relative(NOW - timedelta(hours=4, minutes=50)) == "4 小时前"
        assert formatters.instant(NOW) == "11-23 14:18"
        assert formatters.instant(NOW.replace(year=2025)) == "2025-11-23 14:18"


def test_numbers_and_masks() -> None:
    assert formatters.count_text(1000) == "1,000"
    assert formatters.count_text(1001) == "1,000+"
    assert formatters.phone_mask("+8613800001234") == "138****1234"
    assert formatters.phone_mask("1234") == "****"
    assert formatters.key_cap("mod+enter") == "Ctrl Enter"


def test_attributes_are_escaped_and_refuse_script() -> None:
    assert str(formatters.html_attrs({"hx_get": '/a"b', "hidden": True, "id": None})) == ' hx-get="/a&#34;b" hidden'
    for name in ("onclick", "style", "hx_on_click", "a b"):
        with pytest.raises(ValueError, match="not allowed"):
            formatters.html_attrs({name: "x"})


def test_a_toast_is_shown_once_and_refused_when_forged(app: Flask) -> None:
    client = app.test_client()
    client.post("/act")
    cookie = client.get_cookie("toast")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    assert client.get("/next").text == "REG-20261123-0042 已通过"
    assert client.get("/next").text == ""
    client.set_cookie("toast", cookie.value[:-2] + "xx")
    assert client.get("/next").text == ""


def test_a_toast_takes_back_to_this_host_only(app: Flask) -> None:
    with app.test_request_context():
        for url in ("https://elsewhere.invalid/", "//elsewhere.invalid/"):
            with pytest.raises(ValueError, match="path of this host"):
                toasts.show("done", "x", url)
        assert "toasts" not in g


def test_vendored_files_are_the_listed_ones() -> None:
    vendor = ROOT / "static" / "vendor"
    listed = dict(reversed(line.split("  ", 1)) for line in (vendor / "VERSIONS").read_text().splitlines())
    found = {
        str(p.relative_to(vendor)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in vendor.rglob("*")
        if p.is_file() and p.name != "VERSIONS"
    }
    assert found == listed
    assert not any(b"url(data:" in p.read_bytes() or b'url("data:' in p.read_bytes() for p in vendor.rglob("*.css"))
