"""Reading the comments of a year once a day: what is kept of them are the themes that are stable, and no comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db
from app.hospitals.models import Hospital
from app.satisfaction import sums, themes
from app.satisfaction.models import RatedJob, Rating, ThemeRun
from app.satisfaction.sums import Tally
from app.satisfaction.words import HIGH_FROM
from app.staff.models import StaffAccount

WINDOW, MOST = timedelta(days=365), 1_000  # comments, the newest
J, R = RatedJob, Rating


def run() -> ThemeRun:
    """Find the themes anew; what was found before is forgotten with it."""
    now = clock.now()
    rows = _rows(now - WINDOW)
    texts = _texts(rows)
    used = [row for row in rows if texts.get(row.id)]
    comments = [themes.Comment(texts[row.id], row.subject_id) for row in used]
    found = [
        {"terms": list(theme.terms), "stability": theme.stability, "provinces": _by_province(used, theme)}
        for theme in themes.find(comments, _names())
    ]
    db.session.execute(sa.delete(ThemeRun), execution_options={"synchronize_session": False})
    made = ThemeRun(at=now, since=now - WINDOW, comments=len(comments), found=found)
    db.session.add(made)
    db.session.flush()
    return made


def _rows(since: Any) -> Sequence[Any]:
    query = sa.select(R.id, R.comment_sealed, R.subject_id, J.province, J.score)
    query = query.join(J, sa.and_(J.id == R.job_id, J.rating_version == R.version))
    query = query.where(sums.COUNTED, J.answered_at >= since, R.comment_sealed.is_not(None))
    return db.session.execute(query.order_by(J.answered_at.desc(), R.id).limit(MOST)).all()


def _texts(rows: Sequence[Any]) -> Mapping[Any, str]:
    """Rating -> what was said; without those whose key was destroyed."""
    held = keys.keystore.load({row.subject_id for row in rows})
    opener = R.comment.opener()
    found = {}
    for row in rows:
        key = held.get(row.subject_id)
        if key is not None:
            found[row.id] = opener(row.id, row.comment_sealed, key) or ""
    return found


def _by_province(rows: Sequence[Any], theme: themes.Spoken) -> Mapping[str, list[Any]]:
    found: dict[str, Tally] = {}
    for place in theme.comments:
        row = rows[place]
        tally = found.setdefault(row.province, Tally())
        tally.answered += 1
        tally.satisfied += row.score >= HIGH_FROM
        tally.seen.add(sums.witness(row.subject_id))
    return {code: [t.answered, t.satisfied, t.raters, t.witnesses] for code, t in found.items()}


def _names() -> set[str]:
    """Of colleagues and hospitals: no theme is about one of them."""
    return {*db.session.scalars(sa.select(StaffAccount.name)), *db.session.scalars(sa.select(Hospital.name))}
