"""How auditors agree with each other, and which draws were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.statistics.agreement import Agreement, two_readers
from app.satisfaction.models import RatedJob, RatingAudit, RatingDraw
from app.satisfaction.queries.scope import in_scope
from app.satisfaction.words import OUTCOMES

MANAGE = Permission.SATISFACTION_MANAGE
DRAWS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Matrix:
    """``counts[i][j]``: the first auditor said outcome i, the second outcome j."""

    counts: Sequence[Sequence[int]]
    agreement: Agreement | None


def matrix(actor: Actor) -> Matrix:
    """All pairs of a first and a second audit of the same version, in the actor's provinces."""
    first, second = aliased(RatingAudit), aliased(RatingAudit)
    same = sa.and_(
        second.job_id == first.job_id, second.rating_version == first.rating_version, second.second.is_(True)
    )
    query = (
        sa.select(first.outcome, second.outcome, sa.func.count())
        .join(second, same)
        .join(RatedJob, RatedJob.id == first.job_id)
        .where(first.second.is_(False), *in_scope(actor, MANAGE))
        .group_by(first.outcome, second.outcome)
    )
    keys = list(OUTCOMES)
    counts = [[0] * len(keys) for _key in keys]
    for one, other, n in db.session.execute(query):
        counts[keys.index(one)][keys.index(other)] = n
    return Matrix(counts, two_readers(counts))


def draws(actor: Actor) -> Sequence[RatingDraw]:
    """The latest draws."""
    actor.require(MANAGE)
    return db.session.scalars(sa.select(RatingDraw).order_by(RatingDraw.at.desc()).limit(DRAWS_SHOWN)).all()
