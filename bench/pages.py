"""The queue and the case page against the same pages written by hand, at two sizes of the table."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from app.core.db import db, new_id
from app.core.files import StoredFile
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.registrations import service
from app.registrations.models import Registration, Submission, SubmissionImage
from app.staff import queries
from bench import by_hand_case
from bench.by_hand import ByHand, queue_template
from bench.data import CLAIMED, fill, name, phone
from bench.measure import pairs, request
from bench.portals import portal, sign_in, statements
from bench.registry import Database, Run, bench

Found = dict[str, dict[str, float]]


@bench("pages")
def pages(run: Run) -> None:
    """Queue and case page: CPU of server and database against a hand-written page, and growth with the table."""
    for database in run.databases:
        found = [measure(run, database, size) for size in run.sizes]
        for page in ("queue", "case"):
            for side in ("portal_ms", "hand_ms"):
                grown = found[-1][page][side] / found[0][page][side]
                run.line(f"growth {run.sizes[0]:,} to {run.sizes[-1]:,}, {page}, {side[:-3]}: {grown:.2f}")


def held_case(app: Portal, me: Any) -> str:
    """The number of the case that this reviewer has just claimed."""
    with app.app_context(), unit_of_work():
        free = Registration.status == "pending", Registration.number >= "REG-2026"  # a row made one by one
        first = sa.select(Registration.id).where(*free).order_by(Registration.number)
        row, _token = service.claim(queries.actor_of(me), db.session.scalars(first.limit(1)).one())
        _photo(row)
        return row.number


def _photo(row: Registration) -> None:
    """One photo of the present round, as rows alone: the page shows where it lies, and nobody opens it here."""
    sent = db.session.scalars(sa.select(Submission.id).where(Submission.registration_id == row.id)).one()
    files = [
        StoredFile(kind=kind, key_id=new_id(), object_key=new_id().hex, size=180_000, media_type="image/jpeg")
        for kind in ("badge", "badge_thumbnail")
    ]
    db.session.add_all(files)
    db.session.flush()
    db.session.add(
        SubmissionImage(
            submission_id=sent, registration_id=row.id, place=1, main_id=files[0].id, thumbnail_id=files[1].id,
            upload_sha256=bytes(32), width=1600, height=1000,
        )
    )  # fmt: skip


def by_hand(app: Portal, me: Any, cookie: str, number: str) -> ByHand:
    """The twin, its templates made from the portal's own answers."""
    queue, case = (request(app, path, cookie)[1] for path in ("/registrations", f"/registrations/{number}"))
    i = int(number[-7:])
    claimed = [name(i), *CLAIMED]
    found = {value: f"<strong>{value}</strong>" in case for value in claimed}
    hospital = re.findall(r"<strong>(样例第\d+医院)</strong>", case)
    if not all(found.values()) or len(hospital) != 1:
        raise RuntimeError(f"the case page does not show what was made: {found}")
    tail = phone(i)[-4:]
    text = by_hand_case.template(case, number, [claimed[0], hospital[0], *CLAIMED], f"138****{tail}")
    return ByHand(app, me, queue_template(queue), text)


def measure(run: Run, database: Database, size: int) -> Found:
    with portal(database.url) as app:
        fill(app, size)
        me, cookie = sign_in(app, "reviewer", lead=True)
        number = held_case(app, me)
        hand = by_hand(app, me, cookie, number)
        url, found = app.extensions["settings"].database_url, Found()
        for page, path in {"queue": "/registrations", "case": f"/registrations/{number}"}.items():
            sizes = [len(request(side, path, cookie)[1]) for side in (app, hand)]
            found[page] = pairs(app, hand, path, cookie, url, run.requests)
            sent = statements(app, path, cookie)
            report(run, f"{database.name:<10} {size:>9,} {page:<5}", found[page], f"SQL {dict(sent)}; chars {sizes}")
        hand.close()
    return found


def report(run: Run, label: str, found: dict[str, float], more: str) -> None:
    line = f"portal {found['portal_ms']:6.2f} ms  hand {found['hand_ms']:6.2f} ms  ratio {found['ratio']:5.2f}"
    run.line(f"{label}  {line}  {more}")
