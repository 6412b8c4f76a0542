"""The queue and the case page against the same pages written by hand, at two sizes of the table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.registrations import service
from app.registrations.models import Registration
from app.staff import queries
from bench.by_hand import ByHand, template
from bench.data import fill
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
        first = sa.select(Registration.id).where(Registration.status == "pending").order_by(Registration.number)
        row, _token = service.claim(queries.actor_of(me), db.session.scalars(first.limit(1)).one())
        return row.number


def measure(run: Run, database: Database, size: int) -> Found:
    with portal(database.url) as app:
        fill(app, size)
        me, cookie = sign_in(app, "reviewer", lead=True)
        number, settings = held_case(app, me), app.extensions["settings"]
        queue, case = "/registrations", f"/registrations/{number}"
        html = {path: request(app, path, cookie)[1] for path in (queue, case)}
        i = int(number[-7:]) % 997
        made = {"queue": template(html[queue]), "case": template(html[case], number=number, name=f"样例{i:03}")}
        hand = ByHand(app, settings.database_url, settings.keystore_url, me, made, settings.secret_key)
        found: Found = {}
        for name, path in (("queue", queue), ("case", case)):
            sizes = [len(text) for text in (html[path], request(hand, path, cookie)[1])]
            found[name] = pairs(app, hand, path, cookie, settings.database_url, run.requests)
            sent = statements(app, path, cookie)
            report(run, f"{database.name:<10} {size:>9,} {name:<5}", found[name], f"SQL {dict(sent)}; chars {sizes}")
        hand.main.raw.close()
        hand.keys.raw.close()
    return found


def report(run: Run, label: str, found: dict[str, float], more: str) -> None:
    line = f"portal {found['portal_ms']:6.2f} ms  hand {found['hand_ms']:6.2f} ms  ratio {found['ratio']:5.2f}"
    run.line(f"{label}  {line}  {more}")
