"""Pages of tickets against the same pages written by hand, at two sizes of the table; and one transition."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from app.core.db import db, new_id
from app.core.files import StoredFile
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.core.worklist import keyset
from app.hospitals.models import Hospital
from app.tickets.models import Ticket, TicketFile, TicketMessage
from app.tickets.triage import FAULT_CLASSES
from bench import by_hand_lists
from bench.by_hand_case import when
from bench.by_hand_tickets import TicketsByHand, ticket_template
from bench.measure import BLOCK, Backends, block, medians, pairs, request
from bench.portals import filled, mark_ready, portal, sign_in, statements
from bench.registry import Database, Run, bench
from bench.ticket_data import COMMON, RARE, fill, hospital_name

Found = dict[str, dict[str, float]]
T = Ticket


@bench("tickets")
def tickets(run: Run) -> None:
    """Open queue, deep page, filter, words, one ticket, one claim: CPU against pages by hand, and growth."""
    for database in run.databases:
        found = [measure(run, database, size) for size in run.sizes]
        for page in found[0]:
            grown = [found[-1][page][side] / found[0][page][side] for side in ("portal_ms", "hand_ms")]
            run.line(
                f"growth {run.sizes[0]:,} to {run.sizes[-1]:,}, {page:<7} portal {grown[0]:.2f}, by hand {grown[1]:.2f}"
            )


def measure(run: Run, database: Database, size: int) -> Found:
    kept = run.keep / f"{database.name.lower()}_{size}" if run.keep else None
    with portal(database.url, kept) as app:
        began = time.monotonic()
        if not filled(app):
            fill(app, size)
            mark_ready(app)
        run.line(f"{database.name}: {size:,} tickets, {time.monotonic() - began:.0f} s until they were there")
        me, cookie = sign_in(app, "triager")
        with app.app_context(), unit_of_work():
            number, known = one_ticket()
            lists = addresses()
        paths = {name: path for name, (path, _asked) in lists.items()} | {"ticket": f"/tickets/{number}"}
        drawn = {name: by_hand_lists.template(request(app, path, cookie)[1]) for name, path in paths.items()}
        drawn["ticket"] = ticket_template(request(app, paths["ticket"], cookie)[1], known)
        hand = TicketsByHand(app, me, drawn, {name: asked for name, (_path, asked) in lists.items()})
        found, url = Found(), app.extensions["settings"].database_url
        for name, path in paths.items():
            own = path if name == "ticket" else f"/{name}"
            found[name] = pairs(app, hand, path, cookie, url, run.requests, own)
            sizes = [len(request(app, path, cookie)[1]), len(request(hand, own, cookie)[1])]
            sent = dict(statements(app, path, cookie))
            report(run, f"{database.name:<10} {size:>9,} {name:<7}", found[name], f"SQL {sent}; chars {sizes}")
        found["claim"] = claims(app, hand, cookie, url, run.requests)
        report(run, f"{database.name:<10} {size:>9,} claim  ", found["claim"], "")
        hand.close()
    return found


def report(run: Run, label: str, found: dict[str, float], more: str) -> None:
    line = f"portal {found['portal_ms']:7.2f} ms  hand {found['hand_ms']:7.2f} ms  ratio {found['ratio']:5.2f}"
    run.line(f"{label}  {line}  {more}")


def addresses() -> dict[str, tuple[str, dict[str, Any]]]:
    """What each list asks for: the portal's address, and the values of the statement by hand."""
    count = db.session.scalar(sa.select(sa.func.count()).where(T.status == "closed")) or 0
    newest = sa.select(T.opened_at, T.id).where(T.status == "closed").order_by(T.opened_at.desc(), T.id.desc())
    at, ticket_id = db.session.execute(newest.offset(count // 2).limit(1)).one()
    behind = {"tab": "closed", "after": keyset.encode(at, ticket_id)}
    name = hospital_name(12)
    return {
        "queue": ("/tickets?tab=open", {}),
        "deep": (f"/tickets?{urlencode(behind)}", {"at": at, "id": ticket_id}),
        "filter": (
            f"/tickets?{urlencode({'tab': 'all', 'hospital': name, 'status': 'closed'})}", {"like": f"%{name}%"}
        ),
        "word": (f"/tickets?{urlencode({'tab': 'all', 'q': COMMON})}", {"word": COMMON}),
        "rare": (f"/tickets?{urlencode({'tab': 'all', 'q': RARE})}", {"word": RARE}),
    }  # fmt: skip


def one_ticket() -> tuple[str, dict[str, str]]:
    """A ticket that waits for dispatch, with a message and two photos (rows alone); and what its page shows."""
    said = sa.exists().where(TicketMessage.ticket_id == T.id, TicketMessage.text_sealed.is_not(None))
    row = db.session.scalars(sa.select(T).where(T.status == "to_dispatch", said).order_by(T.number).limit(1)).one()
    if not db.session.scalar(sa.select(sa.func.count()).where(TicketFile.ticket_id == row.id)):
        photos(row)
    due, opened = when(row.due_at), when(row.opened_at)
    hospital = db.session.get_one(Hospital, row.hospital_id).name
    return row.number, {
        "number": row.number, "fault": row.fault or "", "hospital": hospital, "model": row.device_model or "",
        "serial": row.serial_number or "", "due[0]": due[0], "due[1]": due[1], "due[2]": due[2], "opened": opened[1],
        "customer": str(row.customer_id), "device": str(row.device_id), "class_": str(FAULT_CLASSES[row.fault_class]),
    }  # fmt: skip


def photos(row: Ticket) -> None:
    """Two of the report, as rows alone: the page shows how many there are, and nobody opens them here."""
    for place in (1, 2):
        files = [
            StoredFile(kind=kind, key_id=new_id(), object_key=new_id().hex, size=180_000, media_type="image/jpeg")
            for kind in ("ticket_photo", "ticket_thumbnail")
        ]
        db.session.add_all(files)
        db.session.flush()
        db.session.add(
            TicketFile(
                ticket_id=row.id, subject_id=row.subject_id, kind="photo", place=place, file_id=files[0].id,
                thumbnail_id=files[1].id, upload_sha256=bytes(32), by_kind="customer", at=row.opened_at,
            )
        )  # fmt: skip


def claims(app: Portal, hand: TicketsByHand, cookie: str, url: str, count: int) -> dict[str, float]:
    """A report taken into one's hands: a post each, on reports that nobody had yet."""
    blocks = max(3, count // BLOCK) + 1
    with app.app_context():
        fresh = sa.select(T.number).where(T.status == "submitted", T.version == 1).order_by(T.number)
        numbers = iter(db.session.scalars(fresh.limit(2 * BLOCK * blocks)).all())
        db.session.remove()
    token = re.search(r'name="csrf_token" value="([^"]+)"', request(app, "/tickets?tab=open", cookie)[1])
    forms = {"csrf_token": token[1] if token else "", "version": "1"}, {"csrf_token": hand.csrf(cookie), "version": "1"}
    backends = Backends(url)
    found: tuple[list[float], list[float]] = ([], [])
    for n in range(blocks):
        for side in (0, 1) if n % 2 else (1, 0):
            paths = [f"/tickets/{next(numbers)}/claim" for _m in range(BLOCK)]
            found[side].append(block((app, hand)[side], paths, cookie, backends, forms[side]))
    return medians(found[0][1:], found[1][1:])  # the first block of each warms up
