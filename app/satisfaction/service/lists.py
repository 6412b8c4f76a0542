"""New versions of the list of harm words: proposed by one lead, in force once another has approved it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.satisfaction.harm_words import GROUPS, WORD_MAX, WORD_MIN, WORDS_MAX
from app.satisfaction.models import HarmWordList

MANAGE = Permission.SATISFACTION_MANAGE
NOTE_MAX_CHARS = 200


def propose(actor: Actor, words: Mapping[str, Sequence[str]], note: str) -> HarmWordList:
    """Write down the next version. Raises Forbidden, Conflict while one waits, Invalid."""
    actor.require(MANAGE)
    _fits(words, note)
    if waiting() is not None:
        raise Conflict(_l("已有一版词表等待批准。"), code="list_waiting")
    newest = db.session.scalar(sa.select(sa.func.max(HarmWordList.version))) or 1
    made = HarmWordList(
        version=newest + 1, words={group: list(words[group]) for group in GROUPS}, note=note.strip(),
        proposed_by=actor.id, proposed_name=actor.name, proposed_at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("harm_words.proposed", actor, "harm_word_list", made.version)
    return made


def approve(actor: Actor, version: int) -> HarmWordList:
    """Put it into force; never one's own. Raises Forbidden, NotFound."""
    row = _waiting(actor, version)
    if row.proposed_by == actor.id:
        raise Forbidden(_l("自己提出的词表须由别人批准。"), code="own_proposal")
    row.approved_by, row.approved_name, row.approved_at = actor.id, actor.name, clock.now()
    db.session.flush()
    audit.record("harm_words.approved", actor, "harm_word_list", row.version)
    return row


def drop(actor: Actor, version: int) -> None:
    """Take back what waits: anybody who could approve it, or who proposed it."""
    row = _waiting(actor, version)
    db.session.delete(row)
    db.session.flush()
    audit.record("harm_words.dropped", actor, "harm_word_list", version)


def waiting() -> HarmWordList | None:
    """The version that nobody has approved yet."""
    return db.session.scalars(sa.select(HarmWordList).where(HarmWordList.approved_at.is_(None))).one_or_none()


def _waiting(actor: Actor, version: int) -> HarmWordList:
    actor.require(MANAGE)
    row = db.session.get(HarmWordList, version, with_for_update=True)
    if row is None or row.approved_at is not None:
        raise NotFound()
    return row


def _fits(words: Mapping[str, Sequence[str]], note: str) -> None:
    wrong: dict[str, list[Any]] = {}
    for group in GROUPS:
        found = list(words.get(group, ()))
        if not found:
            wrong[group] = [_l("每一类至少留一个词。")]
        elif len(found) > WORDS_MAX or any(not WORD_MIN <= len(word) <= WORD_MAX for word in found):
            wrong[group] = [_l("每类最多 %(most)s 个词，每个词 2 到 20 个字。", most=WORDS_MAX)]
    if not note.strip() or len(note) > NOTE_MAX_CHARS:
        wrong["note"] = [_l("请写明改了什么、为什么，最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]
    if wrong:
        raise Invalid(fields=wrong)
