"""Reads: the lists a person may see, own and shared views, own exports."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import url_for

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.files import StoredFile
from app.core.policy import Actor
from app.core.worklist import SavedView, Worklist, choice, worklists
from app.lists.models import LONGEST, ListExport, ListExportPart
from app.lists.workflow import OPEN
from app.staff import queries as staff
from app.staff.roles import ROLES, Role, permissions_of

KEPT = timedelta(days=30)  # how far back a person's page of exports looks
LISTED = 50


@dataclass(frozen=True, slots=True)
class View:
    """A saved view as the dialog shows it."""

    id: uuid.UUID
    name: str
    url: str
    query: str
    shared_with: Any  # the role's label, None for a private one
    mine: bool
    removable: bool
    is_start: bool


def worklist(actor: Actor, key: str) -> Worklist:
    """The declaration of a list. Raises NotFound, Forbidden."""
    found = worklists.get(key)
    if found is None:
        raise NotFound()
    actor.require(found.permission)
    return found


def address(of: Worklist, query: str = "") -> str:
    """The list's page in the state that ``query`` holds."""
    base = url_for(of.endpoint, **of.view_args)
    return f"{base}?{query}" if query else base


def views(actor: Actor, of: Worklist) -> list[View]:
    """Own views first, then those that leads share with a role of this person."""
    mine = SavedView.staff_id == actor.id
    shared = SavedView.shared_role.in_(actor.roles)
    rows = db.session.scalars(
        sa.select(SavedView)
        .where(SavedView.worklist == of.key, sa.or_(mine, shared))
        .order_by(sa.case((mine, 0), else_=1), SavedView.created_at, SavedView.id)
    ).all()
    led = staff.led_roles(actor) if any(row.shared_role for row in rows) else []
    start = choice.kept(of, actor).get("start")
    return [
        View(
            id=row.id,
            name=row.name,
            url=address(of, row.query or "view=all"),
            query=row.query,
            shared_with=ROLES[Role(row.shared_role)].label if row.shared_role else None,
            mine=row.staff_id == actor.id,
            removable=row.staff_id == actor.id or row.shared_role in led,
            is_start=bool(start) and (row.query or "view=all") == start,
        )
        for row in rows
    ]


def shareable(actor: Actor, of: Worklist) -> list[Role]:
    """Roles that this person leads and whose holders see the list."""
    return [role for role in staff.led_roles(actor) if of.permission in permissions_of(role, lead=True)]


def own_view(actor: Actor, view_id: uuid.UUID, *, lead: bool = False) -> SavedView:
    """One's own view; with ``lead``, also one shared with a role that one leads. Raises NotFound."""
    row = db.session.get(SavedView, view_id)
    if row is None:
        raise NotFound()
    if row.staff_id != actor.id and not (lead and row.shared_role and row.shared_role in staff.led_roles(actor)):
        raise NotFound()
    return row


def exports(actor: Actor) -> list[ListExport]:
    """One's own exports, newest first."""
    recent = sa.select(ListExport).where(ListExport.staff_id == actor.id, ListExport.created_at > clock.now() - KEPT)
    return list(db.session.scalars(recent.order_by(ListExport.created_at.desc(), ListExport.id).limit(LISTED)))


def export_of(actor: Actor, export_id: uuid.UUID) -> ListExport:
    """One's own export; another person's is not there. Raises NotFound."""
    row = db.session.get(ListExport, export_id)
    if row is None or row.staff_id != actor.id:
        raise NotFound()
    return row


def open_exports(actor: Actor) -> int:
    """How many of one's exports wait or run."""
    waiting = ListExport.status.in_([status.value for status in OPEN])
    alive = ListExport.created_at > clock.now() - LONGEST
    count = sa.select(sa.func.count()).select_from(ListExport).where(ListExport.staff_id == actor.id, waiting, alive)
    return db.session.scalar(count) or 0


def parts(row: ListExport, run: int | None = None) -> list[StoredFile]:
    """The sealed pieces of one run in order, or of all runs."""
    found = (
        sa.select(StoredFile)
        .join(ListExportPart, ListExportPart.file_id == StoredFile.id)
        .where(ListExportPart.export_id == row.id)
    )
    if run is not None:
        found = found.where(ListExportPart.run == run)
    return list(db.session.scalars(found.order_by(ListExportPart.seq)))


def state_words(of: Worklist, query: str) -> list[tuple[Any, str]]:
    """The filters of a state, for a person to read: (label, value)."""
    values = dict(parse_qsl(query))
    found = [(f.label, values[f.key]) for f in of.filters if values.get(f.key)]
    tab = next((t for t in of.tabs if t.key == values.get("tab")), None)
    return ([("", str(tab.label))] if tab else []) + found
