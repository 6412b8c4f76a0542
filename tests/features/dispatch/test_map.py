"""The map is off, and nothing foreign is allowed, unless a host of tiles is configured."""

from __future__ import annotations

import dataclasses

import pytest

import config
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.hospitals.models import Hospital
from tests.features.dispatch.people import engineer
from tests.features.dispatch.test_board import text_of

TILES = "https://tiles.example.invalid:8443/wgs84/{z}/{x}/{y}.png"


@pytest.fixture
def tiles(app):
    before = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(before, tile_url=TILES, tile_credit="示例地图")
    yield
    app.extensions["settings"] = before


def test_without_the_setting_no_tile_host_is_in_the_policy_and_no_link_exists(room):
    page = room.client(room.ground.dispatcher)
    answer = page.get("/dispatch")
    assert "/dispatch/map" not in text_of(answer) and "https:" not in answer.headers["Content-Security-Policy"]
    assert page.get("/dispatch/map").status_code == 404


def test_with_the_setting_the_map_alone_may_call_the_host_and_its_lists_say_the_same(room, tiles):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
        number = row.number
    page = room.client(room.ground.dispatcher)
    board = page.get("/dispatch")
    assert "/dispatch/map" in text_of(board) and "tiles.example" not in board.headers["Content-Security-Policy"]
    answer = page.get(f"/dispatch/map?ticket={number}")
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.example.invalid:8443;" in policy and policy.count("tiles.example") == 1
    text = text_of(answer)
    assert number in text and him.name in text and "121.4" in text
    with unit_of_work():
        place = db.session.get_one(Hospital, row.hospital_id)
        place.lat = place.lon = None
    assert "没有坐标" in text_of(page.get("/dispatch/map"))
    assert page.get("/dispatch/map?ticket=TKT-20260101-9999").status_code == 404


@pytest.mark.parametrize("url", [
    "tiles.example/{z}/{x}/{y}.png", "https://tiles.example/{z}/{x}.png", "https://{s}.tiles.example/{z}/{x}/{y}.png",
    "javascript:alert(1)//{z}{x}{y}", "https://*/{z}/{x}/{y}.png", "https://me:secret@tiles.example/{z}/{x}/{y}",
])  # fmt: skip
def test_a_host_that_is_not_written_out_is_refused_at_the_start(tmp_path, url):
    environ = {"PORTAL_ENV": "development", "PORTAL_INSTANCE": str(tmp_path), "PORTAL_TILE_URL": url}
    with pytest.raises(config.ConfigError, match="PORTAL_TILE_URL"):
        config.load(environ)
    assert config.load({**environ, "PORTAL_TILE_URL": TILES}).tile_origin == "https://tiles.example.invalid:8443"
