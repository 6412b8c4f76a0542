"""Editing the catalogue of reasons: new versions, retirement, order. What a decision used is never changed."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.sanitize import sanitize
from app.registrations import reasons
from app.registrations.models import ReviewReason

MANAGE = Permission.REASONS_MANAGE
CODE = re.compile(r"[a-z][a-z0-9_]{2,31}")
SECTION_OF = {reasons.RETRY: ("photo", "match"), reasons.FINAL: ("final",), reasons.MERGE: ("final",)}
PRIVATE_MAX, LONG_MAX = 60, 200


@dataclass(frozen=True, slots=True)
class Words:
    """One version of a reason as typed."""

    kind: str
    section: str
    private_text: str
    public_long: str
    public_short: str
    second_person: bool = False


def create(actor: Actor, code: str, words: Words) -> ReviewReason:
    """Add a reason at the end of the list. Raises Invalid, Conflict (``reason_exists``), Forbidden."""
    actor.require(MANAGE)
    if not CODE.fullmatch(code):
        message = _l("代码用小写英文字母、数字和下划线，3 到 32 位，以字母开头。")
        raise Invalid(message, code="code_invalid", fields={"code": [message]})
    _check(words)
    if reasons.newest(code) is not None:
        raise Conflict(_l("已有这个代码的原因。"), code="reason_exists")
    last = db.session.scalar(sa.select(sa.func.max(ReviewReason.place))) or 0
    return _add(actor, code, 1, last + 1, words, active=True)


def revise(actor: Actor, code: str, words: Words, *, seen_version: int) -> ReviewReason:
    """Put a new version in force; decisions keep the one they used. Raises Conflict when a colleague was faster."""
    row = _latest(actor, code)
    _check(words)
    if row.version != seen_version:
        raise Conflict(who=row.created_by, what=row.version, when=row.created_at)
    if _words(row) == words and row.active:
        return row
    return _add(actor, code, row.version + 1, row.place, words, active=True)


def retire(actor: Actor, code: str) -> ReviewReason:
    """Take a reason out of use, as a version of its own; at least one of each kind of decision stays."""
    row = _latest(actor, code)
    if not row.active:
        return row
    rest = [one for one in reasons.current() if one.code != code and one.kind == row.kind]
    if not rest:
        raise Conflict(_l("这是这一类里最后一项，停用后无法再作这种决定。"), code="last_reason")
    return _add(actor, code, row.version + 1, row.place, _words(row), active=False)


def move(actor: Actor, code: str, *, up: bool) -> None:
    """Change places with the neighbour of the same section; the order of the ends is left as it is."""
    row = _latest(actor, code)
    peers = [one for one in reasons.current() if one.section == row.section]
    at = next((n for n, one in enumerate(peers) if one.code == code), None)
    other = None if at is None else at - 1 if up else at + 1
    if at is None or other is None or not 0 <= other < len(peers):
        return
    places = (peers[at].place, peers[other].place)
    for one, place in ((peers[at], places[1]), (peers[other], places[0])):
        db.session.execute(sa.update(ReviewReason).where(ReviewReason.code == one.code).values(place=place))
    audit.record("reason.moved", actor, "review_reason", row.id)
    db.session.flush()


def _latest(actor: Actor, code: str) -> ReviewReason:
    actor.require(MANAGE)
    row = reasons.newest(code)
    if row is None:
        raise NotFound()
    return row


def _words(row: ReviewReason) -> Words:
    return Words(row.kind, row.section, row.private_text, row.public_long, row.public_short, row.second_person)


def _check(words: Words) -> None:
    fields: dict[str, list[object]] = {}
    if words.kind not in SECTION_OF or words.section not in SECTION_OF[words.kind]:
        fields["section"] = [_l("补正类放在照片或对照，最终类放在不予通过。")]
    if words.second_person and words.kind != reasons.FINAL:
        fields["second_person"] = [_l("只有最终原因才需要第二人。")]
    for name, limit in (("private_text", PRIVATE_MAX), ("public_long", LONG_MAX)):
        text = getattr(words, name)
        if not text.strip() or len(text) > limit:
            fields[name] = [_l("请填写，最多 %(limit)s 个字。", limit=limit)]
        elif "<" in text and sanitize(text) != text.strip():
            fields[name] = [_l("这里只能写文字，不能有标记。")]
    if fields:
        raise Invalid(fields=fields)
    reasons.check_texts(words.public_long, words.public_short)


def _add(actor: Actor, code: str, version: int, place: int, words: Words, *, active: bool) -> ReviewReason:
    row = ReviewReason(
        code=code, version=version, kind=words.kind, section=words.section, place=place,
        private_text=words.private_text.strip(), public_long=words.public_long.strip(),
        public_short=words.public_short.strip(), second_person=words.second_person, active=active,
        created_at=clock.now(), created_by=actor.name,
    )  # fmt: skip
    db.session.add(row)
    audit.record("reason.retired" if not active else "reason.saved", actor, "review_reason", row.id, reason_code=code)
    db.session.flush()
    return row
