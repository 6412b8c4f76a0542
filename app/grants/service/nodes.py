"""Which departments a grant names, and what they bring with them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.errors import Invalid
from app.grants.models import Grant, GrantNode
from app.grants.service.facts import NodeWish
from app.hospitals.models import Department

NODES_MAX = 40


@dataclass(frozen=True, slots=True)
class Planned:
    """One department that will be open."""

    department: Department
    include_children: bool = False
    via_id: uuid.UUID | None = None


def plan(hospital_id: uuid.UUID, wishes: Sequence[NodeWish]) -> list[Planned]:
    """The named departments and, where ticked, those under them, each once. Raises Invalid on a foreign or dead one."""
    if not wishes:
        raise _wrong(_l("请至少选择一个科室。"), "departments_required")
    if len(wishes) > NODES_MAX:
        raise _wrong(_l("一次最多 %(max)s 个科室。", max=NODES_MAX), "departments_too_many")
    rows = _departments(hospital_id)
    found: dict[uuid.UUID, Planned] = {}
    for wish in wishes:
        department = rows.get(wish.department_id)
        if department is None:
            raise _unknown(wish.department_id)
        if not department.active:
            raise _wrong(_l("“%(name)s”已停用。", name=department.name), "department_unknown")
        found[department.id] = Planned(department, wish.include_children)
    for wish in wishes:
        if wish.include_children:
            for child in _below(wish.department_id, rows):
                found.setdefault(child.id, Planned(child, via_id=wish.department_id))
    return list(found.values())


def whole_hospital(hospital_id: uuid.UUID, planned: Sequence[Planned]) -> bool:
    """Every department that the hospital has, when it has more than one."""
    live = {row.id for row in _departments(hospital_id).values() if row.active}
    return len(live) > 1 and live <= {each.department.id for each in planned}


def write(row: Grant, planned: Sequence[Planned]) -> None:
    """The grant's departments, as rows by id."""
    for place, each in enumerate(planned, 1):
        db.session.add(
            GrantNode(
                grant_id=row.id, place=place, department_id=each.department.id, parent_id=each.department.parent_id,
                include_children=each.include_children, via_id=each.via_id,
            )
        )  # fmt: skip
    db.session.flush()
    db.session.expire(row, ["nodes"])


def open_nodes(row: Grant) -> list[GrantNode]:
    """Those that count."""
    query = sa.select(GrantNode).where(GrantNode.grant_id == row.id, GrantNode.removed_version.is_(None))
    return list(db.session.scalars(query.order_by(GrantNode.place)))


def remove(nodes: Sequence[GrantNode], version: int) -> None:
    for node in nodes:
        node.removed_version = version
    db.session.flush()


def _departments(hospital_id: uuid.UUID) -> dict[uuid.UUID, Department]:
    query = sa.select(Department).where(Department.hospital_id == hospital_id, Department.merged_into.is_(None))
    return {row.id: row for row in db.session.scalars(query.order_by(Department.name, Department.id))}


def _below(root: uuid.UUID, rows: dict[uuid.UUID, Department]) -> list[Department]:
    """Active departments under ``root``, at any depth."""
    found: list[Department] = []
    level = [root]
    while level:
        children = [row for row in rows.values() if row.parent_id in level and row not in found]
        found += children
        level = [row.id for row in children]
    return [row for row in found if row.active and row.id != root]


def _unknown(department_id: uuid.UUID) -> Invalid:
    other = db.session.get(Department, department_id)
    if other is not None and other.merged_into is None:
        return _wrong(_l("只能选同一家医院的科室。"), "department_of_another_hospital")
    return _wrong(_l("没有这个科室。"), "department_unknown")


def _wrong(message: Any, code: str) -> Invalid:
    return Invalid(message, code=code, fields={"departments": [message]})
