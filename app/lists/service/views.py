"""Saved views: a name for a state of a list; shared ones for every holder of a role, by its leads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor
from app.core.unit_of_work import savepoint
from app.core.worklist import SavedView, Worklist, choice
from app.lists import queries
from app.lists.service.choices import forget_start

MOST_VIEWS = 20  # per person and list: more is a list of its own that nobody reads
MOST_LETTERS = 40


def save_view(actor: Actor, of: Worklist, name: str, args: Mapping[str, str], *, share_with: str = "") -> SavedView:
    """Keep the present state under a name. Raises Invalid: no name, too long, taken, too many, role not led."""
    actor.require(of.permission)
    name = _named(name)
    if share_with and share_with not in [role.value for role in queries.shareable(actor, of)]:
        raise Invalid(fields={"share_with": [_l("只有这个角色的组长能把视图共享给它。")]})
    own = sa.select(sa.func.count()).select_from(SavedView)
    if (db.session.scalar(own.where(SavedView.staff_id == actor.id, SavedView.worklist == of.key)) or 0) >= MOST_VIEWS:
        raise Invalid(
            fields={"name": [_l("每个列表最多保存 %(n)s 个视图，请先删除不用的。", n=MOST_VIEWS)]}, code="view_limit"
        )
    row = SavedView(
        staff_id=actor.id,
        worklist=of.key,
        query=choice.state_of(of, args),
        shared_role=share_with or None,
        created_at=clock.now(),
    )
    _keep(row, name)
    if share_with:
        audit.record("saved_view.shared", actor, "saved_view", row.id, reason_code=share_with)
    return row


def rename_view(actor: Actor, view_id: uuid.UUID, name: str) -> SavedView:
    """Raises NotFound for another person's, Invalid as `save_view`."""
    row = queries.own_view(actor, view_id)
    _keep(row, _named(name))
    return row


def delete_view(actor: Actor, view_id: uuid.UUID) -> SavedView:
    """One's own, or one shared with a role that one leads. Raises NotFound."""
    row = queries.own_view(actor, view_id, lead=True)
    if row.shared_role:
        audit.record("saved_view.unshared", actor, "saved_view", row.id, reason_code=row.shared_role)
    of = queries.worklist(actor, row.worklist)
    if choice.kept(of, actor).get("start") == (row.query or "view=all"):
        forget_start(actor, of)
    db.session.delete(row)
    db.session.flush()
    return row


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid(fields={"name": [_l("请给视图起个名字。")]})
    if len(name) > MOST_LETTERS:
        raise Invalid(fields={"name": [_l("名字最多 %(n)s 个字。", n=MOST_LETTERS)]})
    return name


def _keep(row: SavedView, name: str) -> None:
    """Write it under this name; the unique constraint speaks as an error of the name."""
    try:
        with savepoint():
            row.name = name
            db.session.add(row)
            db.session.flush()
    except IntegrityError as error:
        raise Invalid(fields={"name": [_l("您已有同名的视图，请换一个名字。")]}, code="view_name_taken") from error
