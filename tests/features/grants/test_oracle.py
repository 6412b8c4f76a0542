"""review.md 2, feature 7: one scope function. Random worlds against an oracle in plain Python, through every door."""

from __future__ import annotations

import random
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.errors import NotFound
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer, CustomerProfile, CustomerToken
from app.customers.service.sign_in import token_hash
from app.grants.models import Grant, GrantNode
from app.grants.scope import Which
from app.hospitals.models import Department, Hospital
from app.registrations.models import Registration
from app.tickets.models import Ticket, fault_tokens
from app.tickets.queries import readable
from tests.features.grants import oracle
from tests.features.grants.oracle import NOW

WORLDS, SEED = 200, 20_261_123
FAULT = "插入部漏水"


def put(worlds: list[oracle.World]) -> dict:
    """All worlds in bulk; one key for all texts. Returns a token per person."""
    subject = keys.new_subject()
    tokens, rows = (
        {},
        {
            t: []
            for t in (Hospital, Department, Customer, Registration, CustomerProfile, CustomerToken, Grant, GrantNode)
        },
    )
    for n, world in enumerate(worlds):
        first = next(iter(world.hospitals))
        for h, merged in world.hospitals.items():
            into = next(other for other in world.hospitals if other != h) if merged else None
            rows[Hospital].append(
                dict(
                    id=h,
                    code=f"H{n}-{h.hex[:6]}",
                    name=f"第{n}示范医院{h.hex[:4]}",
                    name_key=h.hex,
                    aliases=[],
                    province="31",
                    city="",
                    active=not merged,
                    merged_into=into,
                )
            )
        for w in world.wards.values():
            rows[Department].append(
                dict(
                    id=w.id,
                    hospital_id=w.hospital,
                    parent_id=w.parent,
                    name=w.id.hex[:8],
                    name_key=w.id.hex,
                    active=True,
                    merged_into=w.merged_into,
                )
            )
        for p in world.people:
            made = NOW - timedelta(days=900)
            tokens[p.id] = f"{p.id.hex:a<43}"
            registration = new_id()
            rows[Customer].append(
                dict(id=p.id, subject_id=p.id, created_at=made, last_used_at=made, name_failures=0, version=1)
            )
            rows[Registration].append(
                dict(
                    id=registration,
                    number=p.id.hex[:20],
                    subject_id=p.id,
                    customer_id=p.id,
                    status="approved",
                    version=1,
                    round=1,
                    evidence_version=1,
                    changed_at=made,
                    submitted_at=made,
                    due_at=made,
                    hospital_text="",
                    department_text="",
                )
            )
            rows[CustomerToken].append(
                dict(
                    id=new_id(),
                    token_hash=token_hash(tokens[p.id]),
                    customer_id=p.id,
                    created_at=NOW,
                    last_used_at=NOW,
                    expires_at=NOW + timedelta(days=9),
                    absolute_at=NOW + timedelta(days=9),
                )
            )
            for f in p.profiles:
                rows[CustomerProfile].append(
                    dict(
                        id=new_id(),
                        customer_id=p.id,
                        subject_id=p.id,
                        registration_id=new_id(),
                        hospital_id=f.hospital,
                        department_id=f.ward,
                        position=f.position,
                        title=f.title,
                        effective_at=f.effective,
                        suspended_at=f.suspended,
                        ended_at=f.ended,
                        badge_valid_until=f.badge_until,
                    )
                )
            for g in p.grants:
                grant = new_id()
                rows[Grant].append(
                    dict(
                        id=grant,
                        number=f"GRT-{grant.hex[-12:]}",
                        customer_id=p.id,
                        subject_id=p.id,
                        status=g.status,
                        version=1,
                        changed_at=made,
                        hospital_id=first,
                        province="31",
                        home_department_id=g.ward,
                        position=g.position,
                        title=g.title,
                        registration_id=registration,
                        policy_version=1,
                        over_limits=[],
                        lookback_months=g.months,
                        starts_at=g.starts,
                        ends_at=g.ends,
                        requested_kind="staff",
                        requested_by=p.id,
                        requested_name="",
                        requested_at=made,
                        endorsed_name="",
                        approved_name="",
                        pause_until=g.pause_until,
                        review_due_at=g.review_due,
                    )
                )
                rows[GrantNode] += [
                    dict(
                        id=new_id(),
                        grant_id=grant,
                        place=i,
                        department_id=w,
                        parent_id=parent,
                        include_children=False,
                        removed_version=1 if removed else None,
                    )
                    for i, (w, parent, removed) in enumerate(g.nodes)
                ]
    for table, values in rows.items():
        if table in (Hospital, Department):  # rows that point to their own table: first without, then with
            link = [
                {k: v[k] for k in ("id", "merged_into", *(["parent_id"] if table is Department else []))}
                for v in values
            ]
            bare = [{**v, "merged_into": None, **({"parent_id": None} if table is Department else {})} for v in values]
            db.session.execute(sa.insert(table), bare)
            db.session.execute(sa.update(table), [v for v in link if any(v[k] for k in v if k != "id")])
            continue
        db.session.execute(sa.insert(table), values)
    put_tickets(worlds, subject)
    return tokens


def put_tickets(worlds: list[oracle.World], subject) -> None:
    made = [
        Ticket(
            number=r.number, subject_id=subject, customer_id=r.owner, source="phone", hospital_id=next(iter(world.hospitals)),
            province="31", reporter_department_id=r.ward, fault=FAULT, status="closed", version=1, opened_at=r.at, changed_at=r.at,
        )
        for world in worlds for r in world.records
    ]  # fmt: skip
    db.session.add_all(made)
    db.session.flush()
    fault_tokens.put_many((row.id, FAULT) for row in made)


def through_every_door(app, tokens, world: oracle.World, person: oracle.Person) -> dict[str, set[str]]:
    """What this person reads, by door; with the count as that many made-up names where it disagrees."""
    reader = readable.reader(Actor("customer", person.id))
    found = {
        "list": {row.number for row in readable.page(reader, limit=100).rows},
        "search": {row.number for row in readable.page(reader, q="漏水", limit=100).rows},
        "export": {row.number for row in readable.everything(reader)[0]},
        "detail": {r.number for r in world.records if opened(reader, r.number)},
    }
    count = readable.count(reader)
    if count != len(found["list"]):
        found["count"] = {f"{count} counted"}
    db.session.rollback()
    return found


def opened(reader, number: str) -> bool:
    try:
        readable.one(reader, number)
    except NotFound:
        return False
    return True


def test_2_7_one_scope_function_for_lists_counts_search_detail_export_and_api(app):
    rng = random.Random(SEED)
    worlds = [oracle.make(rng, n) for n in range(WORLDS)]
    shown = hidden = 0
    with clock.frozen(NOW):
        with app.app_context():
            keys.ring().reload()  # an earlier test of this process may have rotated keys of a database that is gone
        with app.app_context(), unit_of_work():
            tokens = put(worlds)
        http = app.test_client()
        for n, world in enumerate(worlds):
            for person in world.people:
                with app.app_context():
                    wanted = {
                        r.number for r in world.records if oracle.mine(person, r) or oracle.theirs(world, person, r)
                    }
                    doors = through_every_door(app, tokens, world, person)
                    assert {name: found for name, found in doors.items() if found != wanted} == {}, (n, person, wanted)
                    department = oracle.any_open(world, person)
                    assert readable.has_department(readable.reader(Actor("customer", person.id))) == department, (
                        n,
                        person,
                    )
                head = {"Authorization": f"Bearer {tokens[person.id]}"}
                listed = http.get("/api/v1/tickets?limit=100", headers=head)
                assert {item["number"] for item in listed.json["items"]} == wanted, (n, person)
                assert http.get("/api/v1/tickets/count", headers=head).json["count"] == len(wanted), (n, person)
                file = http.get("/api/v1/tickets/export", headers=head).get_data(as_text=True)
                assert {r.number for r in world.records if r.number in file} == wanted, (n, person)
                for record in world.records[n % 5 :: 5]:  # two of ten by their address; the query was asked for all
                    answer = http.get(f"/api/v1/tickets/{record.number}", headers=head)
                    assert answer.status_code == (200 if record.number in wanted else 404), (n, person, record)
                only = http.get(f"/api/v1/tickets?limit=100&scope={Which.DEPARTMENT.value}", headers=head)
                assert only.status_code == (200 if department else 403), (n, person)
                if department:
                    theirs = {r.number for r in world.records if oracle.theirs(world, person, r)}
                    assert {item["number"] for item in only.json["items"]} == theirs, (n, person)
                shown, hidden = shown + len(wanted), hidden + len(world.records) - len(wanted)
    assert shown > 500 and hidden > 500  # the worlds are worth looking at
