"""The release test (rows 25 and 26): by somebody who did not repair the device, with gauges in calibration."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.tickets.bench import RELEASE_TESTS, TESTS, check_label
from app.tickets.facts import Facts, SheetLine
from app.tickets.models import SheetRow, Ticket
from app.tickets.service.custody import NUMBER_MAX_CHARS
from app.tickets.service.depot import people, seen_now
from app.tickets.service.depot_quote import day_ends
from app.tickets.service.move import move
from app.tickets.service.reach import load
from app.tickets.service.triage import Seen

RELEASE = Permission.DEPOT_RELEASE
VALUE_MAX_CHARS = 60


@dataclass(frozen=True, slots=True)
class Measured:
    """One line as it was filled in; ``passed`` None: not done. ``gauge_until``: last day of the calibration."""

    key: str
    passed: bool | None
    value: str = ""
    gauge: str = ""
    gauge_until: date | None = None


def release(actor: Actor, ticket_id: uuid.UUID, seen: Seen, sheet: Sequence[Measured]) -> Ticket:
    """Every mandatory test passed: the device may go back."""
    row = seen_now(load(actor, ticket_id, RELEASE), seen)
    now = clock.now()
    move(row, "release_device", actor, _facts(row, now, _whole(sheet)), changes={"unrepaired": False})
    keep_sheet(row, actor, sheet, now, for_release=True)
    return row


def fail(actor: Actor, ticket_id: uuid.UUID, seen: Seen, sheet: Sequence[Measured]) -> Ticket:
    """A test failed: back to the bench, and the count of repairs that had to be done again grows."""
    row = seen_now(load(actor, ticket_id, RELEASE), seen)
    now = clock.now()
    move(row, "fail_release", actor, _facts(row, now, _whole(sheet)), changes={"rework_count": row.rework_count + 1})
    keep_sheet(row, actor, sheet, now, for_release=True)
    return row


def lines_of(sheet: Sequence[Measured]) -> tuple[SheetLine, ...]:
    """As the guards read it; what the house's list calls mandatory is, whatever was sent."""
    return tuple(
        SheetLine(
            check_label(one.key), one.key not in TESTS or TESTS[one.key].mandatory, one.passed,
            day_ends(one.gauge_until) if one.gauge_until is not None else None,
        )
        for one in sheet
    )  # fmt: skip


def keep_sheet(row: Ticket, actor: Actor, sheet: Sequence[Measured], at: datetime, *, for_release: bool) -> None:
    """Append what was done; a test that was not done leaves no row."""
    db.session.add_all(
        SheetRow(
            ticket_id=row.id, cycle=row.cycle, release=for_release, name=one.key, passed=one.passed, value=one.value,
            mandatory=one.key not in TESTS or TESTS[one.key].mandatory, gauge_number=one.gauge,
            gauge_valid_until=day_ends(one.gauge_until) if one.gauge_until is not None else None, by_id=actor.id,
            by_name=actor.name, at=at,
        )
        for one in sheet
        if one.passed is not None
    )  # fmt: skip
    db.session.flush()


def _facts(row: Ticket, now: datetime, sheet: Sequence[Measured]) -> Facts:
    return Facts(now=now, tests=lines_of(sheet), **people(row.id))


def _whole(sheet: Sequence[Measured]) -> list[Measured]:
    """The house's whole list, with what was not sent as not done. Raises Invalid naming lines that cannot stand."""
    sent = {one.key: one for one in sheet}
    wrong: list[Any] = [_l("没有这一项检验：%(name)s", name=key[:40]) for key in sent if key not in TESTS]
    whole = [sent.get(test.key, Measured(test.key, None)) for test in RELEASE_TESTS]
    for one in whole:
        name = check_label(one.key)
        if len(one.value) > VALUE_MAX_CHARS or len(one.gauge) > NUMBER_MAX_CHARS:
            wrong.append(_l("%(name)s：内容太长。", name=name))
        if TESTS[one.key].gauged and one.passed and (not one.value or not one.gauge or one.gauge_until is None):
            wrong.append(_l("%(name)s：请填测得的值、量具编号和校准有效期。", name=name))
    if wrong:
        raise Invalid(code="sheet_incomplete", fields={"tests": wrong})
    return whole
