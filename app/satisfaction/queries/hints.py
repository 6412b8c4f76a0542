"""What the worker's last run found: looks within the actor's provinces and not about himself; themes of his regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.policy import Actor, Permission
from app.satisfaction import sums
from app.satisfaction.models import Look, LookRun, ThemeRun
from app.satisfaction.models.sums import K
from app.satisfaction.sums import Tally

AUDIT, REPORT = Permission.SATISFACTION_AUDIT, Permission.SATISFACTION_REPORT


@dataclass(frozen=True, slots=True)
class ThemeShown:
    """A theme that `K` people or more of the actor's provinces spoke of."""

    terms: Sequence[str]
    tally: Tally
    stability: float


def looks(actor: Actor) -> tuple[LookRun | None, Sequence[Look]]:
    """The newest run and what it told. Raises Forbidden."""
    provinces = actor.scope(AUDIT)
    run = db.session.scalars(sa.select(LookRun).order_by(LookRun.at.desc(), LookRun.id.desc()).limit(1)).one_or_none()
    if run is None:
        return None, ()
    rows = db.session.scalars(sa.select(Look).where(Look.run_id == run.id).order_by(Look.q, Look.p, Look.id)).all()
    seen = lambda row: provinces is None or (row.provinces and set(row.provinces) <= set(provinces))
    return run, [row for row in rows if seen(row) and (row.staff_id is None or row.staff_id != actor.id)]


def themes(actor: Actor, province: str | None = None) -> tuple[ThemeRun | None, Sequence[ThemeShown]]:
    """The newest themes. Raises Forbidden."""
    mine = actor.scope(REPORT)
    run = db.session.scalars(sa.select(ThemeRun).order_by(ThemeRun.at.desc()).limit(1)).one_or_none()
    found = []
    for one in run.found if run is not None else ():
        total = Tally()
        for code, (n, satisfied, raters, seen) in one["provinces"].items():
            if (mine is None or code in mine) and province in (None, code):
                total.take(Tally(answered=n, satisfied=satisfied, seen=sums.witnesses(seen), many=raters >= K))
        if total.raters >= K:
            found.append(ThemeShown(one["terms"], total, one["stability"]))
    return run, sorted(found, key=lambda theme: -theme.tally.answered)
