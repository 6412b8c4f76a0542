"""Kept parts: the same page for everybody else, and nothing of a person, a session or a request inside."""

from __future__ import annotations

import re

import pytest
from flask import g, render_template_string
from jinja2 import DictLoader
from jinja2.exceptions import UndefinedError

from app.core.policy import Actor
from app.ui.kept import SLOT, csrf, kept, slot
from tests.factories import staff


@pytest.fixture
def keeping(app, monkeypatch):
    """The app with hashes of files kept, as in production: only then are parts kept."""
    monkeypatch.setattr(app.extensions["assets"], "keep", True)
    return app


def token(html: str) -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', html)[1]


def test_nothing_of_a_person_or_a_request_is_kept(keeping):
    names = ("钱一心", "孙二维")
    pages = []
    for name in names:
        client = staff.signed_in(keeping, "reviewer", "triager", name=name)
        pages.append(client.get(f"/registrations?tab=late&hospital={name}").get_data(as_text=True))
    texts = keeping.extensions["kept"].texts()
    assert len(texts) > 3
    for html, name in zip(pages, names, strict=True):
        assert name in html and token(html) in html
        for text in texts:
            assert name not in text and name[:1] + "<" not in text
            assert token(html) not in text and "nonce" not in text
            assert set(re.findall(r'name="csrf_token" value="([^"]*)"', text)) <= {"csrf"}
            assert "tab=late" not in text and "hospital=" not in text
    assert names[0] not in pages[1] and names[1] not in pages[0]
    assert token(pages[0]) not in pages[1]


def test_a_second_person_gets_the_own_token_in_every_form(keeping):
    first = staff.signed_in(keeping, "reviewer").get("/registrations").get_data(as_text=True)
    second = staff.signed_in(keeping, "reviewer").get("/registrations").get_data(as_text=True)
    for html in (first, second):
        values = set(re.findall(r'name="csrf_token" value="([^"]*)"', html))
        assert len(values) == 1 and len(values.pop()) > 40
    assert token(first) != token(second)


def test_kept_or_drawn_anew_it_is_the_same_page(app, monkeypatch):
    client = staff.signed_in(app, "reviewer", "triager")
    same = lambda html: re.sub(r'name="csrf_token" value="[^"]*"', "", html)
    pages = []
    for keep in (False, True, True):
        monkeypatch.setattr(app.extensions["assets"], "keep", keep)
        app.jinja_env._caches.clear()  # constants are compiled in where files are kept
        pages.append(same(client.get("/registrations").get_data(as_text=True)))
    assert pages[0] == pages[1] == pages[2]
    app.jinja_env._caches.clear()


def test_language_theme_and_rights_have_parts_of_their_own(keeping):
    client = staff.signed_in(keeping, "reviewer")
    chinese = client.get("/registrations").get_data(as_text=True)
    english = client.get("/registrations?lang=en").get_data(as_text=True)
    admin = staff.signed_in(keeping, "admin").get("/staff").get_data(as_text=True)
    assert "退出登录" in chinese and "Sign out" in english and "退出登录" not in english
    assert 'href="/staff"' in admin and 'href="/staff"' not in chinese


def test_a_name_is_data_whatever_it_is(keeping):
    name = 'Ann<script>"\ue000csrf\ue001'
    html = staff.signed_in(keeping, "reviewer", name=name).get("/registrations").get_data(as_text=True)
    assert "Ann&lt;script&gt;&#34;\ue000csrf\ue001" in html and "<script>&#34;" not in html


def test_a_part_cannot_reach_the_request_or_its_actor(keeping, monkeypatch):
    sources = {"request.html": "{{ request.args }}", "session.html": "{{ session }}", "g.html": "{{ g.actor.name }}"}
    sources["frame.html"] = "{{ portal_frame().actor.name }}"
    monkeypatch.setattr(keeping.jinja_env, "loader", DictLoader(sources))
    with keeping.test_request_context("/login"):
        g.actor = Actor("staff", name="钱一心")
        for name in sources:
            with pytest.raises(UndefinedError):
                kept().fill(name, None, dict)


def test_a_form_inside_a_part_has_a_slot_for_its_token(keeping, monkeypatch):
    monkeypatch.setattr(keeping.jinja_env, "loader", DictLoader({"form.html": "<form>{{ draw_csrf() }}</form>"}))
    with keeping.test_request_context("/login"):
        drawn = str(kept().fill("form.html", None, dict))
        assert drawn == f"<form>{csrf()}</form>" and "kept" not in drawn
        assert "<form>" + '<input type="hidden" name="csrf_token" value="csrf"></form>' in kept().texts()
        assert SLOT.search(str(slot("a"))) and "\ue000" not in render_template_string("{{ draw_csrf() }}")


def test_a_slot_that_nobody_fills_is_a_defect(keeping, monkeypatch):
    monkeypatch.setattr(keeping.jinja_env, "loader", DictLoader({"part.html": '{{ slot("name") }}'}))
    with keeping.test_request_context("/login"):
        with pytest.raises(KeyError):
            kept().fill("part.html", None, dict)
        assert kept().fill("part.html", None, dict, {"name": "a<b"}) == "a&lt;b"
