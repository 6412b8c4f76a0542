"""What this feature gives to the frame: navigation, palette, help, and its own panels of a person's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import keys
from app.core.db import db
from app.core.errors import Invalid
from app.core.masking import mask_phone
from app.core.policy import Actor, Permission
from app.customers import dossier, standing, words, worklists
from app.customers.models import Customer, CustomerProfile
from app.customers.panels import CustomerPanel, customer_panels
from app.customers.queries import name_of
from app.hospitals import queries as hospitals
from app.hospitals.models import Hospital
from app.ui.frame import url_or_none
from app.ui.help import HelpPage, help_pages
from app.ui.navigation import NavItem, navigation
from app.ui.palette import PER_SOURCE, PaletteEntry, PaletteSource, palette_sources

P = Permission
READ = P.CUSTOMERS_READ
NAME_MIN, NAME_MAX = 2, 20
HOSPITAL_MIN = 2


def install() -> None:
    """Fill the registries of the frame and of the page."""
    own = tuple(f"customers.{name}" for name in ("detail", "ask_reveal", "reveal", "ask_freeze", "ask_release"))
    navigation.add(
        "customers", NavItem("customers", "records", _l("用户"), "user", "customers.index", READ, 10, also=own)
    )
    palette_sources.add("customers", PaletteSource(_l("用户"), find, order=20))
    help_pages.add("customers", HELP)
    for panel in (
        CustomerPanel("sessions", _l("小程序登录"), 60, READ, "customers/panel_sessions.html", _sessions, side=True),
        CustomerPanel("consents", _l("同意记录"), 70, READ, "customers/panel_consents.html", _consents, side=True),
        CustomerPanel("timeline", _l("经过"), 90, READ, "customers/panel_timeline.html", _timeline),
    ):
        customer_panels.add(panel.key, panel)


HELP = HelpPage(
    _l("查找用户，看完整手机号"),
    (
        _l("按 Ctrl K，输入手机末四位、完整姓名或医院名称；也可以在“用户”页筛选。"),
        _l("打开档案。姓名和手机默认隐去一部分，旁边有“显示”。"),
        _l("选择原因。显示 60 秒后自动隐藏；谁、何时、为什么看，都记入审计日志。"),
        _l("手机丢失时，在“小程序登录”里结束那一个登录；下一次操作就须重新登录。"),
        _l("医院、科室、职务和职称不能直接改：由本人重新提交注册，经审核更新。"),
    ),
    "customers.index",
    READ,
)


def find(actor: Actor, typed: str) -> list[PaletteEntry]:
    """People by the last four digits, a whole number, an exact name, or their hospital; within the actor's scope."""
    if not actor.may(READ) or len(typed) < NAME_MIN:
        return []
    where = _where(actor, typed)
    return [] if where is None else _entries(actor, where)


def _where(actor: Actor, typed: str) -> list[sa.ColumnElement[bool]] | None:
    scope = standing.in_scope(actor)
    digits = "".join(filter(str.isdigit, typed))
    if digits and digits == typed.replace(" ", "").lstrip("+"):
        if len(digits) == worklists.TAIL_DIGITS:
            return [Customer.id.in_(worklists.with_tail(digits, *scope, limit=worklists.TAIL_CANDIDATES))]
        try:
            return [*scope, Customer.phone.matches(typed)]
        except Invalid:
            return None
    found = [hit.id for hit in hospitals.search(typed, limit=PER_SOURCE)] if len(typed) >= HOSPITAL_MIN else []
    at = standing.with_profile(CustomerProfile.hospital_id.in_(found)) if found else sa.false()
    return [*scope, sa.or_(worklists.named(typed), at) if len(typed) <= NAME_MAX else at]


def _entries(actor: Actor, where: list[sa.ColumnElement[bool]]) -> list[PaletteEntry]:
    query = (
        sa.select(Customer, CustomerProfile, Hospital.name)
        .select_from(Customer)
        .outerjoin(CustomerProfile, CustomerProfile.id == standing.profile_id(Customer.id))
        .outerjoin(Hospital, Hospital.id == CustomerProfile.hospital_id)
        .where(*where)
        .order_by(Customer.last_used_at.desc(), Customer.id.desc())
        .limit(PER_SOURCE)
    )
    rows = db.session.execute(query).all()
    living = keys.keystore.load({person.subject_id for person, _profile, _hospital in rows})
    return [
        _entry(actor, person, profile, hospital) for person, profile, hospital in rows if person.subject_id in living
    ]


def _entry(actor: Actor, person: Customer, profile: CustomerProfile | None, hospital: str | None) -> PaletteEntry:
    name = worklists.shown_name(actor, name_of(person, profile)) or _("未填姓名")
    hint = " · ".join(part for part in (mask_phone(person.phone), hospital or _("未认证")) if part)
    return PaletteEntry(name, url_for("customers.detail", customer_id=person.id), hint=hint, icon="user")


def _sessions(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    may_end = actor.may(P.CUSTOMERS_SESSIONS) and customer.closed_at is None
    return {"sessions": dossier.sessions(customer), "may_end": may_end}


def _consents(_actor: Actor, customer: Customer) -> Mapping[str, Any]:
    return {
        "entries": [
            {
                "purpose": words.purpose(entry.purpose), "at": entry.at, "given": entry.given,
                "channel": words.channel(entry.channel), "version": entry.policy_version,
            }
            for entry in dossier.consent_entries(customer)
        ]
    }  # fmt: skip


def _timeline(actor: Actor, customer: Customer) -> Mapping[str, Any]:
    more = url_or_none("audit.index", object=f"customer:{customer.id}") if actor.may(P.AUDIT_READ) else None
    return {"items": words.items(dossier.timeline(customer)), "more_url": more}
