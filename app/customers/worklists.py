"""`/customers` as a declaration: people by state, found by exact phone or its tail, exact name, hospital, province."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import aliased

from app.core import keys
from app.core.db import db
from app.core.errors import Invalid
from app.core.masking import mask_name, mask_phone
from app.core.policy import Actor, Permission, current_actor
from app.core.worklist import Chip, Column, Filter, Tab, Worklist, chip, code, instant, text
from app.core.worklist.cells import Drawn, Ink
from app.core.worklist.declaration import Clause
from app.customers import standing
from app.customers.models import Customer, CustomerProfile
from app.customers.standing import State
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.hospitals.models import Department, Hospital
from app.ui.frame import language

P = Permission
TAIL_DIGITS = 4
TAIL_CANDIDATES = 500  # numbers with one tail that are opened and compared; far more than any list would be read
HOSPITALS = 50

CHIPS: dict[str, Chip] = {
    State.ACTIVE: Chip(_l("正常"), "done", "tick"),
    State.SUSPENDED: Chip(_l("已暂停"), "soon", "half"),
    State.UNVERIFIED: Chip(_l("未认证"), "idle", "ring"),
    State.FROZEN: Chip(_l("已冻结"), "late", "bar"),
    State.CLOSED: Chip(_l("已注销"), "idle", "cross"),
}

_profile = aliased(CustomerProfile)
_state = sa.case(
    (Customer.closed_at.is_not(None), State.CLOSED.value),
    (Customer.frozen_at.is_not(None), State.FROZEN.value),
    (_profile.id.is_(None), State.UNVERIFIED.value),
    (_profile.suspended_at.is_not(None), State.SUSPENDED.value),
    else_=State.ACTIVE.value,
)


def shown_name(actor: Actor, name: str | None) -> str | None:
    """A name as this actor may read it (C05): in full with the right, else the surname and two stars."""
    return name if actor.may(P.CUSTOMERS_NAME) else (mask_name(name) or None)


def _name(value: str | None, row: Any, ink: Ink) -> Drawn:
    """The verified name where there is one, else what the person gave; it leads to the person's page."""
    secret = keys.keystore.load({row[-1]}).get(row[-1])  # the page's keys are here already: no further statement
    verified = _profile_name(row.v9, row.v10, secret) if row.v10 is not None else None
    named = shown_name(current_actor(), verified or value)
    erased = secret is None
    return '<a href="%s"><b>%s</b></a>', (
        ink.row_url(str(row[0])),
        named or (_("（已删除）") if erased else _("（未填姓名）")),
    )


def _profile_name(row_id: uuid.UUID, blob: bytes, secret: bytes | None) -> str | None:
    return CustomerProfile.name.opener()(row_id, blob, secret)


def _phone(value: str, _actor: Actor) -> Clause | None:
    """The whole number, or its last four digits; None for what is neither."""
    digits = "".join(filter(str.isdigit, value))
    if len(digits) == TAIL_DIGITS and digits == value.strip():
        return Customer.id.in_(with_tail(digits))
    try:
        return Customer.phone.matches(value)
    except Invalid:
        return None


def with_tail(digits: str, *where: Clause, limit: int = TAIL_CANDIDATES) -> list[uuid.UUID]:
    """People whose number ends so. The index knows 16 bits of a tail, so that every hit is opened and compared."""
    found = sa.select(Customer.id, Customer.phone_sealed, Customer.subject_id).where(
        Customer.phone.tail_matches(digits), *where
    )
    rows = db.session.execute(found.order_by(Customer.created_at.desc(), Customer.id.desc()).limit(limit)).all()
    secrets = keys.keystore.load({row.subject_id for row in rows})
    unseal = Customer.phone.opener()
    return [
        row.id for row in rows if (unseal(row.id, row.phone_sealed, secrets.get(row.subject_id)) or "").endswith(digits)
    ]


def named(value: str) -> Clause:
    """Exactly this name, as verified or as last given."""
    return sa.or_(Customer.name.matches(value), standing.with_profile(CustomerProfile.name.matches(value)))


def at_hospital(value: str) -> Clause:
    """Working at one of the hospitals that the words find."""
    found = [hit.id for hit in hospitals.search(value, limit=HOSPITALS)]
    return standing.with_profile(CustomerProfile.hospital_id.in_(found))


def _province(value: str, _actor: Actor) -> Clause | None:
    return standing.with_profile(Hospital.province == value) if value in provinces.BY_CODE else None


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    scope = actor.scope(P.CUSTOMERS_READ)
    return [choice for choice in provinces.choices(language()) if scope is None or choice[0] in scope]


def _ranges(state: State) -> Any:
    def ranges(_actor: Actor, now: datetime) -> Sequence[Sequence[Clause]]:
        return standing.ranges(state, now)

    return ranges


customers = Worklist(
    key="customers",
    title=_l("用户"),
    endpoint="customers.index",
    permission=P.CUSTOMERS_READ,
    table=Customer,
    scope=standing.in_scope,
    subject=Customer.subject_id,
    joins=(
        (_profile, _profile.id == standing.profile_id(Customer.id)),
        (Hospital, Hospital.id == _profile.hospital_id),
        (Department, Department.id == _profile.department_id),
    ),
    columns=(
        Column(
            "name", _l("姓名"), Customer.name.column, _name, sealed=Customer.name.opener, export=False, chinese=True,
        ),
        Column(
            "phone", _l("手机"), Customer.phone.column, code(), sealed=Customer.phone.opener,
            show=lambda value, _actor: mask_phone(value) or None,
        ),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("department", _l("科室"), Department.name, text(), chinese=True),
        Column("position", _l("职务"), _profile.position, text(), chinese=True),
        Column(
            "province", _l("省份"), Hospital.province, text(),
            show=lambda value, _actor: provinces.title(value, language()) if value else None,
        ),
        Column("state", _l("状态"), _state, chip(CHIPS)),
        Column("created", _l("首次登录"), Customer.created_at, instant(), sort=Customer.created_at),
        Column("used", _l("最近使用"), Customer.last_used_at, instant(), sort=Customer.last_used_at),
        Column("profile_id", "", _profile.id, code(), hidden=True),  # v9, see _name
        Column("profile_name", "", _profile.name_sealed, code(), hidden=True),  # v10
        Column("customer_id", "", Customer.id, code(), hidden=True),
    ),
    default_sort="-created",
    row_endpoint="customers.detail",
    row_argument="customer_id",
    lead="name",
    drawer_endpoint="customers.drawer",
    tabs=(
        Tab("active", _l("正常"), _ranges(State.ACTIVE)),
        Tab("suspended", _l("已暂停"), _ranges(State.SUSPENDED)),
        Tab("unverified", _l("未认证"), _ranges(State.UNVERIFIED)),
        Tab("frozen", _l("已冻结"), _ranges(State.FROZEN), tone="late"),
        Tab("closed", _l("已注销"), _ranges(State.CLOSED), counted=False),
    ),
    filters=(
        Filter("phone", _l("手机号或末四位"), _phone, personal=True),
        Filter("name", _l("姓名（完整）"), lambda value, _actor: named(value), personal=True),
        Filter("hospital", _l("医院"), lambda value, _actor: at_hospital(value), wide=True),
        Filter("province", _l("省份"), _province, kind="select", choices=_provinces),
    ),
    export_permission=P.CUSTOMERS_EXPORT,
)  # fmt: skip
