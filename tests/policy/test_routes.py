"""Generated over the URL map: every route carries a mark, and answers every role as its mark says."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core import policy
from app.core.policy import Permission, PolicyGap
from app.core.web import Portal


def test_asvs_8_2_1_every_endpoint_carries_a_mark(app):
    policy.check_marks(app)


def test_the_boot_check_refuses_a_gap():
    broken = Flask("broken", static_folder=None)
    broken.add_url_rule("/open", "open", lambda: "")
    with pytest.raises(PolicyGap, match="open"):
        policy.check_marks(broken)


def test_marks_that_permit_name_a_permission(app: Portal):
    for rule in app.url_map.iter_rules():
        mark = policy.mark_of(app, rule.endpoint)
        assert mark is not None
        assert (mark.kind == "permission") == isinstance(mark.permission, Permission)


def test_url_paths_are_kebab_case_and_lower(app: Portal):
    for rule in app.url_map.iter_rules():
        static = "".join(part for part in rule.rule.replace(">", "<").split("<")[::2])
        assert static == static.lower(), rule.rule
        assert "_" not in static or rule.endpoint == "static", rule.rule
