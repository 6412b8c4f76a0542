"""Fixed words are part of the compiled template, one per language; of a message with variables only these are put in."""

from __future__ import annotations

from flask import render_template_string, request
from flask_babel import force_locale
from jinja2 import DictLoader

SAMPLE = '{{ _("退出登录") }} {{ {"a": _("关闭")}.a }} {{ _("%(name)s的角色", name=name) }}'


def test_each_language_has_its_own_template(app, monkeypatch):
    monkeypatch.setattr(app.jinja_env, "loader", DictLoader({"sample.html": SAMPLE}))
    seen = []
    for language in ("zh", "en", "zh"):
        with app.test_request_context(f"/login?lang={language}"):
            template = app.jinja_env.get_template("sample.html")
            seen.append((template, template.render(name="<b>")))
    assert seen[0][0] is seen[2][0] and seen[0][0] is not seen[1][0]
    assert seen[0][1] == "退出登录 关闭 &lt;b&gt;的角色" == seen[2][1]
    assert seen[1][1] == "Sign out Close Roles of &lt;b&gt;"


def test_a_fixed_word_is_not_looked_up_when_the_page_is_drawn(app, monkeypatch):
    monkeypatch.setattr(
        app.jinja_env,
        "loader",
        DictLoader({"sample.html": '{{ _("关闭") }} 100% {{ _("%(name)s的角色", name=name) }}'}),
    )
    with app.test_request_context("/login?lang=en"):
        template = app.jinja_env.get_template("sample.html")
        monkeypatch.setitem(app.jinja_env.globals, "gettext", None)
        assert template.render(name="<b>") == "Close 100% Roles of &lt;b&gt;"


def test_a_forced_language_finds_its_words(app):
    with app.test_request_context("/login"):
        assert request.path == "/login"
        assert render_template_string('{{ _("关闭") }}') == "关闭"
        with force_locale("en"):
            assert render_template_string('{{ _("关闭") }}') == "Close"
        assert render_template_string('{{ _("关闭") }}') == "关闭"


def test_an_included_part_stands_where_it_is_included(app, monkeypatch):
    parts = {
        "page.html": '{% set a = "1" %}{% for b in "xy" %}{% include "part.html" %}{% endfor %}{{ a }}{{ c }}',
        "part.html": '{{ a }}{{ b }}{{ loop.index }}{{ given }}{% set a = "2" %}{% set c = "3" %}{% include "deep.html" %} ',
        "deep.html": "{{ a }}{{ c }}",
    }
    monkeypatch.setattr(app.jinja_env, "loader", DictLoader(parts))
    with app.test_request_context("/login?lang=zh"):
        template = app.jinja_env.get_template("page.html")
        monkeypatch.setattr(app.jinja_env, "loader", DictLoader({}))
        assert template.render(given="<") == "1x1&lt;23 1y2&lt;23 1"


def test_names_of_people_are_marked_in_english_alone(app, monkeypatch):
    monkeypatch.setattr(app.jinja_env, "loader", DictLoader({"name.html": "{{ name|zh }}"}))
    for language, shown in (("zh", "钱&lt;"), ("en", '<span lang="zh-CN">钱</span>&lt;'), ("zh", "钱&lt;")):
        with app.test_request_context(f"/login?lang={language}"):
            assert app.jinja_env.get_template("name.html").render(name="钱<") == shown


def test_icons_and_keys_are_part_of_the_compiled_template(app, monkeypatch):
    source = '{% import "ui/components.html" as ui %}{{ ui.icon("x", size=12) }}{{ ui.kbd("mod+k") }}{{ static_url("css/base.css") }}'
    monkeypatch.setattr(app.extensions["assets"], "keep", True)
    with app.test_request_context("/login?lang=zh"):
        drawn = render_template_string(source)
        template = app.jinja_env.from_string(source)
        for name in ("draw_icon", "draw_kbd", "static_url"):
            monkeypatch.setitem(app.jinja_env.globals, name, None)
        assert template.render() == drawn and "#i-x" in drawn and "<kbd>Ctrl K</kbd>" in drawn and "?v=" in drawn
