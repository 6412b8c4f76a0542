"""A quote and its answer (rows 21 to 23): the customer answers to exactly one version, by himself or by telephone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.tickets.facts import Facts, WarrantyBasis
from app.tickets.models import FAULT_MAX_CHARS, Device, Quote, Ticket
from app.tickets.models.workshop import LONG_TEXT
from app.tickets.service.custody import fits
from app.tickets.service.depot import people, seen_now
from app.tickets.service.move import move
from app.tickets.service.reach import load, load_own
from app.tickets.service.triage import Seen
from app.tickets.workflow import Status

WORK, TRIAGE = Permission.DEPOT_WORK, Permission.TICKETS_TRIAGE
LINES_MAX, NAME_MAX_CHARS, QUANTITY_MAX = 20, 60, 999
FEN_MAX = 100_000_000_00  # one hundred million yuan
VALID_DAYS_MAX = 90


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a quote; ``fen`` is the price of one piece in fen of CNY, None: what was typed is no price."""

    name: str
    quantity: int
    fen: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the depot asks for a repair."""

    lines: Sequence[Line]
    words: str
    valid_until: date | None  # the last day
    misuse: str = ""


def outside_warranty(row: Ticket) -> bool:
    """Whether the hospital pays: as triage settled it; where it left it open, by the register today."""
    if row.warranty_basis in (WarrantyBasis.PAID, WarrantyBasis.WARRANTY, WarrantyBasis.CONTRACT):
        return row.warranty_basis == WarrantyBasis.PAID
    device = db.session.get(Device, row.device_id) if row.device_id is not None else None
    if device is None:
        return True
    today = clock.today()
    return not any(day is not None and day >= today for day in (device.warranty_until, device.contract_until))


def send(actor: Actor, ticket_id: uuid.UUID, seen: Seen, offer: Offer) -> Quote:
    """A new version goes to the customer; the clocks that wait for him stand still to its last day."""
    row = seen_now(load(actor, ticket_id, WORK), seen)
    now = clock.now()
    _check(offer)
    assert offer.valid_until is not None, "checked above"
    until = day_ends(offer.valid_until)
    latest = db.session.scalar(sa.select(sa.func.max(Quote.version)).where(Quote.ticket_id == row.id)) or 0
    facts = Facts(
        now=now, outside_warranty=outside_warranty(row), misuse_evidence=bool(offer.misuse.strip()),
        quote_version=latest + 1, **people(row.id),
    )  # fmt: skip
    move(row, "send_quote", actor, facts, changes={"wakes_at": until}, pause_until=until)
    made = Quote(
        ticket_id=row.id, version=latest + 1, words=offer.words.strip(), misuse_evidence=offer.misuse.strip(),
        amount_fen=sum(line.quantity * (line.fen or 0) for line in offer.lines),
        lines=[{"name": line.name, "quantity": line.quantity, "fen": line.fen} for line in offer.lines],
        valid_until=until, made_by=actor.id, made_name=actor.name, sent_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def answer_own(actor: Actor, number: str, version: int, *, accept: bool) -> Ticket:
    """The customer answers to the version he saw. Raises NotFound, Conflict (``quote_expired``, ``quote_changed``)."""
    row = load_own(actor, number)
    quote = open_quote(row)
    facts = Facts(now=clock.now(), quote_version=quote.version if quote else None, quote_seen=version)
    move(row, "accept_quote" if accept else "decline_quote", actor, facts, changes=_outcome(accept))
    _answered(quote, accept, "customer")
    return row


def record_answer(actor: Actor, ticket_id: uuid.UUID, seen: Seen, note: str, *, accept: bool) -> Ticket:
    """The customer answered by telephone or in writing; ``note`` is the proof."""
    row = seen_now(load(actor, ticket_id, TRIAGE), seen)
    fits(note=(note, FAULT_MAX_CHARS))
    quote = open_quote(row)
    version = quote.version if quote else None  # the page that was seen showed this one: the ticket has not moved
    facts = Facts(now=clock.now(), quote_version=version, quote_seen=version, note=note)
    action = "record_quote_acceptance" if accept else "record_quote_decline"
    move(row, action, actor, facts, changes=_outcome(accept))
    _answered(quote, accept, "staff")
    return row


def open_quote(row: Ticket) -> Quote | None:
    """The latest version, while it waits and is valid."""
    if row.status != Status.WAIT_QUOTE:
        return None
    query = sa.select(Quote).where(Quote.ticket_id == row.id).order_by(Quote.version.desc()).limit(1)
    found = db.session.scalars(query).one_or_none()
    return found if found is not None and not found.answer and found.valid_until > clock.now() else None


def day_ends(day: date) -> datetime:
    """The instant at which a day is over in China."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(days=1)


def _outcome(accept: bool) -> dict[str, Any]:
    return {} if accept else {"unrepaired": True}


def _answered(quote: Quote | None, accept: bool, by: str) -> None:
    assert quote is not None, "the table's guard asked for one"
    quote.answer, quote.answered_at = "accepted" if accept else "declined", clock.now()
    quote.answered_by = by
    db.session.flush()


def _check(offer: Offer) -> None:
    """Raises Invalid naming everything that is wrong."""
    wrong: dict[str, list[Any]] = {}
    if not offer.lines or len(offer.lines) > LINES_MAX:
        wrong["quote"] = [_l("请填 1 到 %(most)s 行报价。", most=LINES_MAX)]
    found = wrong.setdefault("quote", [])
    for n, line in enumerate(offer.lines, start=1):
        if not line.name or len(line.name) > NAME_MAX_CHARS:
            found.append(_l("第 %(n)s 行：项目为 1 到 %(most)s 个字。", n=n, most=NAME_MAX_CHARS))
        elif not 1 <= line.quantity <= QUANTITY_MAX:
            found.append(_l("第 %(n)s 行：数量为 1 到 %(most)s。", n=n, most=QUANTITY_MAX))
        elif line.fen is None or not 0 < line.fen <= FEN_MAX:
            found.append(_l("第 %(n)s 行：单价须为大于零、最多两位小数的金额。", n=n))
    if not offer.words.strip():
        wrong["words"] = [_l("请写明报价包含什么。")]
    for name, text in (("words", offer.words), ("misuse", offer.misuse)):
        if len(text) > LONG_TEXT:
            wrong[name] = [_l("最多 %(limit)s 个字。", limit=LONG_TEXT)]
    latest = clock.today() + timedelta(days=VALID_DAYS_MAX)
    if offer.valid_until is None or not clock.today() < offer.valid_until <= latest:
        wrong["valid_until"] = [_l("有效期从明天起，最长 %(days)s 天。", days=VALID_DAYS_MAX)]
    wrong = {name: said for name, said in wrong.items() if said}
    if wrong:
        raise Invalid(code="quote_invalid", fields=wrong)
