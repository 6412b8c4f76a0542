"""What the base layout needs to know: the reader's preferences, navigation with counts, the environment's mark.

Preferences come from the account (``actor.preferences``), before sign-in from two cookies. Choices are closed lists:
whatever else is stored is read as the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import Babel
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.routing import BuildError

from app.core import counters, plans
from app.core.policy import Actor, current_actor
from app.core.worklist import worklists
from app.ui.formatters import count_text, zh
from app.ui.kept import kept
from app.ui.navigation import GROUPS, NavItem, items_for
from app.ui.templating import LanguageEnvironment, RequestDomain

LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
HTML_LANG = {"zh": "zh-CN", "en": "en"}
CHOICES = {
    "theme": ("system", "light", "dark"),
    "density": ("compact", "comfortable"),
    "nav": ("wide", "slim"),
    "keys": ("on", "off"),
}
GROUP_LABELS = {"work": _l("工作"), "records": _l("档案"), "oversight": _l("监督")}
ENVIRONMENTS = {"development": _l("演示环境"), "test": _l("测试环境")}
LANG_COOKIE = "lang"
LANG_COOKIE_SECONDS = 365 * 86_400


@dataclass(frozen=True, slots=True)
class NavLink:
    key: str
    label: Any
    icon: str
    url: str
    current: bool
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One per request; the templates read it as ``frame``."""

    actor: Actor
    lang: str
    theme: str
    density: str
    nav: str
    keys: str
    environment: Any
    home_url: str

    @property
    def html_lang(self) -> str:
        return HTML_LANG[self.lang]

    @property
    def bs_theme(self) -> str:
        """Bootstrap knows light and dark only; with "system" our tokens carry the change."""
        return "dark" if self.theme == "dark" else "light"

    @property
    def head(self) -> Markup:
        return kept().fill("ui/frame/head.html", self.theme, lambda: {"theme": self.theme})

    @property
    def top(self) -> Markup:
        """The bar with the account's menu."""
        chosen = {name: getattr(self, name) for name in ("theme", "density", "keys", "lang")}
        exports = self.exports_url
        fixed = {"home_url": self.home_url, "environment": self.environment, "exports_url": exports}
        slots = {"name": zh(self.actor.name), "initial": zh(self.initial), "here": self.here}
        return kept().fill("ui/frame/top.html", (*chosen.values(), exports), lambda: {"chosen": chosen, **fixed}, slots)

    @property
    def navigation(self) -> Markup:
        """Entries in their groups, twice: side bar and menu of the phone; all counters in one statement."""
        offered, endpoint = current_app.view_functions, request.endpoint
        items = [item for item in items_for(self.actor) if item.endpoint in offered]
        at = [item.key for item in items if endpoint == item.endpoint or endpoint in item.also]
        slots: dict[str, Any] = {"here": self.here}
        for name, count in counts_for(self.actor, items).items():
            words = count_text(count) if count else ""
            slots[f"words:{name}"] = words and f" {words}"
            slots[f"count:{name}"] = words and Markup("<b>{}</b>").format(words)
        key = (tuple(item.key for item in items), tuple(at))
        return kept().fill("ui/frame/nav.html", key, lambda: {"groups": _groups(items, at)}, slots)

    @property
    def dialogs(self) -> Markup:
        return kept().fill("ui/frame/dialogs.html", self.keys, lambda: {"keys": self.keys})

    def language_url(self, lang: str) -> str:
        """This page in another language; where one wanted to go is kept."""
        args = {**request.args.to_dict(), "lang": lang}
        if wanted := request.form.get("next"):
            args["next"] = wanted
        return f"{quote(request.path)}?{urlencode(args)}"

    @property
    def here(self) -> str:
        return here()

    @property
    def exports_url(self) -> str | None:
        """The page of one's exports, for whoever may export a list."""
        rights = [w.export_permission for w in worklists if w.export_permission is not None]
        return url_or_none("lists.exports") if any(map(self.actor.may, rights)) else None

    @property
    def initial(self) -> str:
        return (self.actor.name or "?").strip()[:1].upper()


def here() -> str:
    """This page's address as it was sent: percent signs stand for whatever an address should not hold."""
    sent = request.query_string.decode("ascii", "replace")
    return quote(request.path) + (f"?{sent}" if sent else "")


def language() -> str:
    """zh or en: asked for in the address, else the account's, else the cookie's, else zh."""
    if not has_request_context():
        return "zh"
    if "frame" in g:
        return str(g.frame.lang)
    for found in (
        request.args.get("lang"),
        current_actor().preferences.get("lang"),
        request.cookies.get(LANG_COOKIE),
    ):
        if found in LANGUAGES:
            return str(found)
    return "zh"


def portal_frame() -> Frame:
    """The frame of this request."""
    if "frame" not in g:
        actor = current_actor()
        chosen = {name: _choice(actor, name) for name in CHOICES}
        environment = ENVIRONMENTS.get(current_app.extensions["settings"].env)
        home = url_or_none("today.index") or "/"
        g.frame = Frame(actor=actor, lang=language(), environment=environment, home_url=home, **chosen)
    frame: Frame = g.frame
    return frame


def _choice(actor: Actor, name: str) -> str:
    wanted = actor.preferences.get(name)
    return wanted if wanted in CHOICES[name] else CHOICES[name][0]


def _groups(items: list[NavItem], at: list[str]) -> list[tuple[Any, list[NavLink]]]:
    """The entries as the navigation draws them, by group."""
    links = {name: [_link(item, at) for item in items if item.group == name] for name in GROUPS}
    return [(GROUP_LABELS[name], links[name]) for name in GROUPS if links[name]]


def _link(item: NavItem, at: list[str]) -> NavLink:
    url = url_for(item.endpoint)
    return NavLink(item.key, item.label, item.icon, url, item.key in at, item.counter is not None)


def counts_for(actor: Actor, items: list[NavItem]) -> dict[str, int]:
    """All counters of ``items``, in one statement together with whatever the page itself counts."""
    counted = [(item.key, item.counter) for item in items if item.counter is not None]
    for key, counter in counted:
        counters.want(f"nav:{key}", plans.kept(f"nav:{key}", actor, partial(counter, actor)))
    return {key: counters.value(f"nav:{key}") for key, _counter in counted}


def tab_count(tab: Any) -> str:
    """The words of a tab's count: given, or by the key of a counter the page asked for."""
    given = tab.get("count_text") if isinstance(tab, dict) else getattr(tab, "count_text", None)
    key = tab.get("counter") if isinstance(tab, dict) else getattr(tab, "counter", None)
    return str(given) if given not in (None, "") else counters.text(counters.value(key)) if key else ""


def counter_text(key: str) -> str:
    """The words of a counter that the page asked for; the first one read fetches all."""
    return counters.text(counters.value(key))


def url_or_none(endpoint: str, **values: Any) -> str | None:
    """The endpoint's address, or None while no feature offers it."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return None


def install(app: Flask) -> None:
    """Languages and template globals."""
    app.jinja_environment = LanguageEnvironment  # type: ignore[assignment]  # before anything asks for app.jinja_env
    Babel(app, locale_selector=lambda: LANGUAGES[language()]).domain_instance = RequestDomain()
    app.jinja_env.globals.update(
        portal_frame=portal_frame, tab_count=tab_count, counter_text=counter_text, url_or_none=url_or_none
    )

    @app.after_request
    def _remember_language(response: Any) -> Any:
        wanted = request.args.get("lang")
        if wanted in LANGUAGES and request.endpoint != "static":
            secure = app.extensions["settings"].production
            response.set_cookie(
                LANG_COOKIE, wanted, max_age=LANG_COOKIE_SECONDS, secure=secure, httponly=True, samesite="Lax"
            )
        return response
