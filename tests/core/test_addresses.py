"""Addresses that are put together are those that routing builds."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask, url_for
from werkzeug.routing import BuildError

AWKWARD = (
    "REG-20261123-0000042",
    "a b",
    "ä",
    "a/b",
    "",
    "..",
    "%2F",
    "a&b=c",
    "?",
    "zq0qz",
    uuid.UUID(int=7),
    12,
    None,
)


def test_every_endpoint_with_every_value(app):
    for root in ("", "/portal"):
        with app.test_request_context("/registrations/REG-1", environ_overrides={"SCRIPT_NAME": root}):
            for rule in app.url_map.iter_rules():
                for value in AWKWARD:
                    values = dict.fromkeys(sorted(rule.arguments), value) | {"tab": value, "n": 1}
                    try:
                        plain = Flask.url_for(app, rule.endpoint, **values)
                    except (BuildError, ValueError):
                        continue
                    assert url_for(rule.endpoint, **values) == plain == url_for(rule.endpoint, **values)


def test_a_relative_name_is_of_the_blueprint_that_answers(app):
    for path, found in (("/registrations/REG-1", "/registrations"), ("/tickets/T-1", "/tickets")):
        with app.test_request_context(path):
            assert url_for(".queue") == found == Flask.url_for(app, ".queue")


def test_order_and_names_of_values_count(app):
    with app.test_request_context("/"):
        assert url_for("registrations.queue", a=1, b=2) == "/registrations?a=1&b=2"
        assert url_for("registrations.queue", b=2, a=1) == "/registrations?b=2&a=1"
        assert url_for("registrations.queue", a="zq0qz", b="x") == "/registrations?a=zq0qz&b=x"
        assert url_for("registrations.case", number="REG-1", _anchor="x") == "/registrations/REG-1#x"
        with pytest.raises(BuildError):
            url_for("registrations.case")
        with pytest.raises(BuildError):
            url_for("nowhere.at_all", number="REG-1")
