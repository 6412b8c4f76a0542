"""What machines ask; /metrics is for loopback or the token (ASVS 13.4.5)."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa

from app.core import keys


def test_alive_and_ready(client):
    assert client.get("/healthz").data == b"ok\n"
    assert client.get("/readyz").data == b"ready\n"


def test_not_ready_without_the_key_store(client, monkeypatch):
    def silent(*_a: object, **_k: object) -> None:
        raise sa.exc.OperationalError("", {}, Exception())

    monkeypatch.setattr(keys.keystore.KeyStore, "begin", silent)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["failing"]) == (503, ["keystore"])


def test_metrics_on_loopback_or_with_the_token_only(app, client, monkeypatch):
    assert b"portal_requests_total" in client.get("/metrics").data
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", environ_overrides=far).status_code == 404
    settings = dataclasses.replace(app.extensions["settings"], metrics_token="t" * 40)
    monkeypatch.setitem(app.extensions, "settings", settings)
    given = {"Authorization": "Bearer " + "t" * 40}
    assert client.get("/metrics", environ_overrides=far, headers=given).status_code == 200
    assert client.get("/metrics", environ_overrides=far, headers={"Authorization": "Bearer x"}).status_code == 404


def test_routes_are_counted_by_template_not_by_path(client):
    client.get("/policy/1")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'route="/policy/<int:no>"' in text and 'route="/policy/1"' not in text
