"""``python -m bench [--full] [--requests N] [--sqlite]``: queue and case page against the hand-written ones."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Engine

import config
from app import create_app
from app.cli.database import upgrade
from app.core import clock
from app.core.db import db, new_id
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.registrations import service
from app.registrations.models import Registration
from app.staff import queries
from app.staff import service as staff
from app.staff.models import SessionStage, StaffSession
from app.staff.tokens import hash_token, new_token
from bench.by_hand import ByHand, template
from bench.data import fill
from bench.measure import pairs, request
from scripts import postgres

SIZES, FULL = (10_000, 100_000), (10_000, 1_000_000)


@contextmanager
def portal(url: str | None) -> Iterator[Portal]:
    """An app on a fresh database; its request log is written, to nowhere."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        env = {"PORTAL_ENV": "test", "PORTAL_INSTANCE": folder}
        if url:
            name = f"bench_{new_id().hex[-8:]}"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            env["PORTAL_DATABASE_URL"] = url.rsplit("/", 1)[0] + f"/{name}"
        app = create_app(config.load(env))
        upgrade(app)
        app.extensions["assets"].keep = True  # as in production: hashes of static files are made once
        quiet()
        yield app
        with app.app_context():
            db.engine.dispose()


def quiet() -> None:
    for name in ("", "portal", "alembic"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(open(os.devnull, "w"))


def sign_in(app: Portal) -> tuple[Any, str, str]:
    """A reviewer, the cookie of a living session, and the number of a case in that person's hands."""
    token, now = new_token(), clock.now()
    with app.app_context():
        with unit_of_work():
            grants = [("reviewer", None, True)]
            me = staff.create_active(
                SYSTEM, "bench@demo.invalid", "样例员工", "a quiet river under old pines", grants
            ).id
            db.session.add(
                StaffSession(
                    token_hash=hash_token(token), staff_id=me, stage=SessionStage.FULL.value, created_at=now,
                    signed_in_at=now, last_seen_at=now + timedelta(minutes=20), expires_at=now + timedelta(hours=12),
                )
            )  # fmt: skip
        with unit_of_work():
            first = sa.select(Registration.id).where(Registration.status == "pending").order_by(Registration.number)
            row, _token = service.claim(queries.actor_of(me), db.session.scalars(first.limit(1)).one())
            number = row.number
    return me, f"{app.extensions['settings'].cookie_name}={token}", number


def statements(app: Portal, path: str, cookie: str) -> Counter[str]:
    """What one request sends, main database and key store together."""
    sent: Counter[str] = Counter()

    def count(_c: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if sql.startswith("BEGIN"):  # the driver's own frame on SQLite, the key store's file included
            return
        sent["key store" if "item_key" in sql else "main"] += 1

    sa.event.listen(Engine, "before_cursor_execute", count)
    try:
        request(app, path, cookie)
    finally:
        sa.event.remove(Engine, "before_cursor_execute", count)
    return sent


def measure(url: str | None, size: int, requests: int) -> dict[str, dict[str, float]]:
    with portal(url) as app:
        fill(app, size)
        me, cookie, number = sign_in(app)
        settings = app.extensions["settings"]
        queue, case = "/registrations", f"/registrations/{number}"
        html = {path: request(app, path, cookie)[1] for path in (queue, case)}
        i = int(number[-7:]) % 997
        pages = {"queue": template(html[queue]), "case": template(html[case], number=number, name=f"样例{i:03}")}
        hand = ByHand(app, settings.database_url, settings.keystore_url, me, pages, settings.secret_key)
        found: dict[str, dict[str, float]] = {}
        for name, path in (("queue", queue), ("case", case)):
            sizes = [len(text) for text in (html[path], request(hand, path, cookie)[1])]
            found[name] = pairs(app, hand, path, cookie, settings.database_url, requests)
            sent = statements(app, path, cookie)
            engine = "PostgreSQL" if url else "SQLite"
            report(f"{engine:<10} {size:>9,} {name:<5}", found[name], f"SQL {dict(sent)}; characters {sizes}")
        hand.counting = False
        hand.pages["queue"] = hand.app.jinja_env.from_string(pages["queue"].replace("counts[", "[0,0,0,0,0,0,0,0]["))
        found["queue, uncounted"] = pairs(app, hand, queue, cookie, settings.database_url, requests)
        report(f"{'':<20} queue, hand-written without any count", found["queue, uncounted"], "")
        hand.main.raw.close()
        hand.keys.raw.close()
    return found


def report(label: str, found: dict[str, float], more: str) -> None:
    line = f"portal {found['portal_ms']:6.2f} ms  hand {found['hand_ms']:6.2f} ms  ratio {found['ratio']:5.2f}"
    print(f"{label}  {line}  {more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000 and 1,000,000 registrations")
    parser.add_argument("--requests", type=int, default=200, help="requests of each side per page")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))))
    args = parser.parse_args()
    sizes = args.sizes or (FULL if args.full else SIZES)
    print(f"python -m bench {' '.join(sys.argv[1:])} · Python {platform.python_version()} · {os.cpu_count()} cores")
    with postgres.server() if not args.sqlite else nothing() as url:
        for target in [None, *([url] if url else [])]:
            found = [measure(target, size, args.requests) for size in sizes]
            for page in ("queue", "case"):
                for side in ("portal_ms", "hand_ms"):
                    grown = found[-1][page][side] / found[0][page][side]
                    print(f"growth {sizes[0]:,} to {sizes[-1]:,}, {page}, {side[:-3]}: {grown:.2f}", flush=True)


@contextmanager
def nothing() -> Iterator[None]:
    yield None


main()
