"""Ids of others in every address of grants, customers and tickets: not there, for staff of another region and for
another customer. Generated over the URL map; the same address answers whoever may see it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock, policy
from app.core.db import db, new_id
from app.customers.models import CustomerToken
from app.customers.service.sign_in import token_hash
from app.grants import service
from app.grants.models import Campaign, ReviewItem
from app.staff.roles import Role, permissions_of
from tests.factories import staff
from tests.features.grants import world

ROOMS = ("grants.", "customers.", "tickets.", "ticket_readers.")
HERE, FAR = "31", "51"
NOWHERE = uuid.UUID("00000000-0000-7000-8000-000000000000")


def token_for(who: Any, key: str, *, ended: bool = False) -> tuple[uuid.UUID, dict[str, str]]:
    """A sign-in of the mini program, inside the caller's unit of work: its id, and the header of its calls."""
    now, token = clock.now(), f"{key:x<43}"
    row = CustomerToken(
        token_hash=token_hash(token), customer_id=who.id, created_at=now, last_used_at=now,
        expires_at=now + timedelta(days=20), absolute_at=now + timedelta(days=90), ended_at=now if ended else None,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row.id, {"Authorization": f"Bearer {token}"}


@pytest.fixture
def theirs(work) -> dict[str, Any]:
    """Somebody of province 31 with everything that an address can name."""
    with work():
        at = world.place()
        who, other = world.person(at), world.person(at, "妇科")
        ticket = world.ticket(at, "内镜中心", by=who)
        number = world.granted(at, who, "消化内科").number
        service.open_campaign(world.granter(), clock.today() + timedelta(days=9), province=HERE)
        token, _head = token_for(who, "theirs")
        return {
            "customer_id": who.id, "token_id": token, "grants": number, "tickets": ticket.number,
            "review": db.session.scalars(sa.select(Campaign.number)).one(),
            "item_id": db.session.scalars(sa.select(ReviewItem.id)).one(), "other": other,
        }  # fmt: skip


def addresses(app: Any, theirs: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(method, path, mark) of every address of these rooms that names something."""
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith(ROOMS) or not rule.arguments:
            continue
        values: dict[str, Any] = {}
        for name, converter in rule._converters.items():
            if name == "number":
                values[name] = theirs["review" if "reviews" in rule.rule else rule.endpoint.split(".")[0]]
            elif name in theirs:
                values[name] = theirs[name]
            elif hasattr(converter, "items"):
                values[name] = next(iter(converter.items))  # one of a closed list of words
            else:
                values[name] = NOWHERE  # a part of what is named, which is refused before its parts are looked for
        if "bulk-run" in rule.rule:
            continue  # names a kind of act, no object
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
            yield method, path, policy.mark_of(app, rule.endpoint)


def clients(app: Any, province: str) -> dict[Role, Any]:
    return {
        role: staff.client_of(app, staff.member(app, (role.value, [province], True)).id)
        for role in Role
        if role not in (Role.ADMIN, Role.DEALER_USER)
    }


def asked(by_role: dict[Role, Any], method: str, path: str, mark: Any) -> int:
    client = next(c for role, c in by_role.items() if mark.permission in permissions_of(role, lead=True))
    data = {"csrf_token": staff.csrf(client), "version": "1", "note": "x"} if method == "POST" else None
    return client.open(path, method=method, data=data).status_code


def test_ids_of_another_region_are_not_there_in_every_address_for_staff(app, theirs):
    far, near, tried = clients(app, FAR), clients(app, HERE), 0
    for method, path, mark in addresses(app, theirs):
        assert asked(far, method, path, mark) == 404, (method, path)
        if method == "GET" and str(NOWHERE) not in path:  # the address names something that is there
            assert asked(near, method, path, mark) in (200, 303, 409), (method, path)
        tried += 1
    assert tried > 30


def test_what_is_not_below_it_is_not_there(app, work, theirs):
    """A sign-in of another person below a person, an item of another review below a review."""
    with work():
        at = world.place("西川示范医院", FAR)
        world.granted(at, world.person(at), "消化内科")
        service.open_campaign(world.granter(), clock.today() + timedelta(days=9), province=FAR)
        item = db.session.scalars(sa.select(ReviewItem.id).where(ReviewItem.id != theirs["item_id"])).one()
        token, _head = token_for(theirs["other"], "another")
    manager = staff.client_of(app, staff.member(app, ("grant_manager", None, True)).id)
    triager = staff.client_of(app, staff.member(app, ("triager", None, True)).id)
    for client, path in (
        (manager, f"/grants/reviews/{theirs['review']}/{item}"),
        (triager, f"/customers/{theirs['customer_id']}/sessions/{token}/end"),
    ):
        data = {
            "csrf_token": staff.csrf(client),
            "reason": "device_lost",
            f"{item.hex}-version": "2",
            f"{item.hex}-decision": "keep",
        }
        assert client.post(path, data=data).status_code == 404, path
    with work(write=False):
        assert db.session.get(ReviewItem, item).decision is None
        assert db.session.get(CustomerToken, token).ended_at is None


def test_ids_of_others_in_every_call_of_the_mini_program(app, work, theirs):
    """A colleague of the same hospital without a grant: neither the ticket nor its existence; nor a foreign grant."""
    with work():
        _id, head = token_for(theirs["other"], "colleague")
        far = world.place("西川示范医院", FAR)
        foreign = [str(far.wards["消化内科"]), str(new_id())]
    http = app.test_client()
    listed = http.get("/api/v1/tickets", headers=head)
    assert listed.json["items"] == []
    assert http.get("/api/v1/tickets/count", headers=head).json["count"] == 0
    assert theirs["tickets"] not in http.get("/api/v1/tickets/export", headers=head).get_data(as_text=True)
    assert http.get(f"/api/v1/tickets?q={theirs['tickets']}", headers=head).json["items"] == []
    unknown, there = (http.get(f"/api/v1/tickets/{n}", headers=head) for n in ("TKT-00000000-0000", theirs["tickets"]))
    assert unknown.status_code == there.status_code == 404
    same = lambda answer: {k: v for k, v in answer.json.items() if k != "request_id"}
    assert same(unknown) == same(there)  # that it exists is not told
    assert http.get("/api/v1/grants", headers=head).json["items"] == []
    for department in foreign:
        body = {"departments": [department], "reason": "x"}
        assert http.post("/api/v1/grants", json=body, headers=head).status_code == 422


def test_a_revoked_token_is_refused_by_every_call(app, work, theirs):
    from app.api.v1.openapi import operations

    with work():
        _id, head = token_for(theirs["other"], "revoked", ended=True)
    http, tried = app.test_client(), 0
    for rule, method, _declared in operations(app):
        if policy.mark_of(app, rule.endpoint).kind != "customer":
            continue
        values = dict.fromkeys(rule.arguments, theirs["customer_id"] if "uuid" in rule.rule else theirs["tickets"])
        path = app.url_map.bind("localhost").build(rule.endpoint, values, method=method)
        assert http.open(path, method=method, headers=head).status_code == 401, (method, path)
        tried += 1
    assert tried > 15
