"""`/customers`: who is on it in which state, who sees whom, what finds a person, what it costs."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from app.core import clock, keys
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.worklist import query
from app.customers import service
from app.customers.models import Customer
from app.customers.worklists import customers
from tests.factories import staff
from tests.features.customers import people

NUMBER = "+8613800004321"
STATES = ("active", "suspended", "unverified", "frozen", "closed")


@pytest.fixture
def cast(work):
    """One person per state, and one in another province, by name."""
    found: dict[str, uuid.UUID] = {}
    with work():
        here, there = people.hospital(), people.hospital("岭南样例医院", "44")
        found["active"] = people.verified(here, NUMBER).id
        found["south"] = people.verified(there, name="欧阳样例").id
        row = people.stranger(name="钱停用")
        service.suspend(row.id, registration_id=people.adopt(row, here, "钱停用"))
        found["suspended"] = row.id
        found["unverified"] = people.stranger().id
        row = people.verified(here, name="孙冻结")
        row.frozen_at = clock.now()
        found["frozen"] = row.id
        row = people.verified(here, name="李注销")
        row.closed_at = clock.now()
        found["closed"] = row.id
    return found


def listed(client, **args: str) -> set[uuid.UUID]:
    page = client.get("/customers", query_string=args)
    assert page.status_code == 200
    return {uuid.UUID(hex=found) for found in re.findall(r'data-id="([0-9a-f]{32})"', page.get_data(as_text=True))}


@pytest.mark.parametrize("state", STATES)
def test_each_tab_lists_its_state_and_no_other(app, cast, state):
    client = staff.signed_in(app, "triager")
    wanted = {cast[state]} | ({cast["south"]} if state == "active" else set())
    assert listed(client, tab=state) == wanted


def test_an_approval_inside_its_undo_window_is_not_on_the_list_of_verified(app, work, cast):
    with work():
        row = db.session.get_one(Customer, cast["unverified"])
        people.adopt(row, people.hospital("京北样例医院", "11"), wait=timedelta(seconds=60))
    client = staff.signed_in(app, "triager")
    assert cast["unverified"] in listed(client, tab="unverified")
    with clock.advanced(timedelta(seconds=61)):
        assert cast["unverified"] in listed(client, tab="active")


def test_a_revoked_registration_makes_unverified_again(app, work, cast):
    with work():
        row = people.stranger()
        registration = people.adopt(row, people.hospital("京北样例医院", "11"))
        person = row.id
    with work():
        service.end(person, registration_id=registration)
    with clock.advanced(timedelta(seconds=1)):
        assert person in listed(staff.signed_in(app, "triager"), tab="unverified")


def test_bounded_staff_see_only_people_of_hospitals_inside(app, cast):
    client = staff.signed_in(app, ("triager", ["44"], False))
    for state in STATES:
        assert listed(client, tab=state) == ({cast["south"]} if state == "active" else set()), state
    for name, person in cast.items():
        for path in ("", "/drawer"):
            assert client.get(f"/customers/{person}{path}").status_code == (200 if name == "south" else 404)


def test_a_move_to_another_province_changes_who_sees_the_person(app, work, cast):
    bounded = staff.signed_in(app, ("triager", ["44"], False))
    with work():
        row = db.session.get_one(Customer, cast["active"])
        people.adopt(row, people.hospital("海南样例医院", "44"), wait=timedelta(seconds=1))
    assert cast["active"] not in listed(bounded)
    with clock.advanced(timedelta(seconds=2)):
        assert cast["active"] in listed(bounded)


@pytest.mark.parametrize(
    "args, found",
    [
        ({"phone": "13800004321"}, True), ({"phone": "138 0000 4321"}, True), ({"phone": "4321"}, True),
        ({"phone": "1234"}, False), ({"phone": "43"}, False), ({"phone": "' OR 1=1 --"}, False),
        ({"name": "冯虚构"}, True), ({"name": "冯"}, False), ({"name": "x" * 3_000}, False),
        ({"hospital": "示范"}, True), ({"hospital": "岭南"}, False), ({"province": "31"}, True),
        ({"province": "44"}, False), ({"province": "zz"}, False), ({"sort": "-used"}, True),
        ({"sort": "phone; drop"}, True), ({"after": "AAAA"}, True), ({"tab": "nothing"}, True),
    ],
)  # fmt: skip
def test_filters(app, cast, args, found):
    assert (cast["active"] in listed(staff.signed_in(app, "triager"), **args)) is found


def test_the_verified_name_finds_and_is_shown_while_another_one_is_only_claimed(app, work, cast):
    with work():
        db.session.get_one(Customer, cast["active"]).name = "韩另称"
    client = staff.signed_in(app, "triager")
    assert cast["active"] in listed(client, name="冯虚构")
    page = client.get("/customers").get_data(as_text=True)
    assert "冯虚构" in page
    assert "韩另称" not in page


def test_a_tail_of_which_only_the_short_hash_is_equal_does_not_come_along(app, work, cast):
    with work():
        other = people.stranger("+8613800008765")
        other.phone_tail = db.session.get_one(Customer, cast["active"]).phone_tail
        other_id = other.id
    assert listed(staff.signed_in(app, "triager"), tab="unverified", phone="4321") == set()
    assert other_id in listed(staff.signed_in(app, "triager"), tab="unverified")


def test_c04_no_full_phone_in_the_list_the_drawer_and_the_page(app, cast):
    client = staff.signed_in(app, "privacy_officer")
    for path in ("/customers", f"/customers/{cast['active']}/drawer", f"/customers/{cast['active']}"):
        text = client.get(path).get_data(as_text=True)
        assert "138****4321" in text
        assert "13800004321" not in text, path


@pytest.mark.parametrize("role, whole", [("triager", True), ("grant_manager", True), ("satisfaction_auditor", False)])
def test_c05_without_the_right_the_name_is_masked(app, cast, role, whole):
    client = staff.signed_in(app, role)
    for path in ("/customers", f"/customers/{cast['active']}/drawer", f"/customers/{cast['active']}"):
        text = client.get(path).get_data(as_text=True)
        assert ("冯虚构" in text) is whole, path
        assert ("冯**" in text) is not whole, path


def test_c05_the_dispatcher_reads_no_customer(app, cast):
    client = staff.signed_in(app, "dispatcher")
    assert client.get("/customers").status_code == 403
    assert client.get(f"/customers/{cast['active']}").status_code == 403


def test_an_erased_person_says_so(app, work, cast):
    with work():
        row = db.session.get_one(Customer, cast["active"])
        subject, person = row.subject_id, row.id
    with app.app_context():
        keys.keystore.destroy([subject])
    client = staff.signed_in(app, "privacy_officer")
    assert "已删除" in client.get("/customers").get_data(as_text=True)
    page = client.get(f"/customers/{person}").get_data(as_text=True)
    assert "已删除" in page
    assert "4321" not in page
    assert "/ask/phone" not in page
    assert client.get(f"/customers/{person}/drawer").status_code == 200


def test_the_export_has_no_names_and_masked_phones(app, cast):
    client = staff.signed_in(app, "privacy_officer")
    asked_for = {"csrf_token": staff.csrf(client), "query": "", "format": "csv", "columns": "all"}
    text = client.post("/lists/customers/export", data=asked_for).get_data(as_text=True)
    assert "138****4321" in text
    assert "13800004321" not in text
    assert "冯" not in text
    assert staff.signed_in(app, "grant_manager").get("/lists/customers/export").status_code == 403


def test_the_list_costs_as_many_statements_for_sixty_people_as_for_one(app, work, cast):
    client = staff.signed_in(app, ("triager", ["31", "44"], False))
    few = asked(app, client, "/customers")
    with work():
        place = people.hospital("浦东样例医院", "31")
        for _n in range(60):
            people.verified(place)
    assert "下一页" in client.get("/customers").get_data(as_text=True)
    assert asked(app, client, "/customers") == few <= 4  # session, page, keys, counters


def asked(app, client, path: str) -> int:
    """How many statements a page costs on both databases, the transaction's own left out."""
    client.get(path)
    seen: list[str] = []
    with app.app_context():
        engines = (db.engine, keys.keystore.store().engine)
    note = lambda _c, _cur, statement, *_r: seen.append(statement)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    assert client.get(path).status_code == 200
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", note)
    return len([text for text in seen if text.split()[0] not in ("BEGIN", "PRAGMA")])


@pytest.mark.parametrize("tab", STATES)
@pytest.mark.parametrize("provinces", [None, ("31",)])
def test_every_tab_reads_people_by_an_index(app, work, cast, tab, provinces):
    """No walk over the table of people, however many there are: the cause behind the page's time (decisions.md 15)."""
    actor = staff.member(app, ("triager", provinces, False))
    with work(write=False):
        asked_for = query.parse(customers, MultiDict({"tab": tab}))
        statement, _back = query.statement(customers, asked_for, actor, clock.now(), limit=51)
        steps = plan(statement)
    assert not re.search(r"SCAN customer\b(?! USING)|Seq Scan on customer\b", steps), steps
    few = "USING INDEX ix_customer_profile_suspended"  # a partial index: the suspended ones alone
    assert not re.search(rf"SCAN customer_profile(?! {few})|Seq Scan on customer_profile", steps), steps


def test_the_plan_of_a_walk_would_be_found(app, work, cast):
    with work(write=False):
        steps = plan(sa.select(Customer.id, Customer.version).order_by(Customer.version))
    assert re.search(r"SCAN customer\b(?! USING)|Seq Scan on customer\b", steps)


def plan(statement) -> str:
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":  # a small table is always walked unless that is made expensive
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        rows = connection.execute(sa.text("EXPLAIN " + literal(statement)))
        return "\n".join(row[0] for row in rows)
    text = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    values = tuple(text.params[name] for name in text.positiontup)
    processed = [
        text._bind_processors[name](value) if name in text._bind_processors else value
        for name, value in zip(text.positiontup, values, strict=True)
    ]
    found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(processed))
    return "\n".join(str(step[3]) for step in found)


def literal(statement) -> str:
    return str(statement.compile(db.engine, compile_kwargs={"literal_binds": True})).replace("%%", "%")


def test_paging_walks_over_all_of_them_once(app, work, cast):
    with work():
        place = people.hospital("浦东样例医院", "31")
        for _n in range(70):
            people.verified(place)
    client, seen, url = staff.signed_in(app, "triager"), [], "/customers"
    while url:
        text = client.get(url).get_data(as_text=True)
        seen.append(set(re.findall(r'data-id="([0-9a-f]{32})"', text)))
        following = re.search(r'href="([^"]+)" rel="next"', text)
        url = following[1].replace("&amp;", "&") if following else ""
    assert len(set().union(*seen)) == 72 == sum(map(len, seen))
    assert all(not (one & two) for one, two in pairwise(seen))


def test_verified_from_follows_the_profiles(work):
    with work():
        place, row = people.hospital(), people.stranger()
        first = people.adopt(row, place)
        second = people.adopt(row, place, wait=timedelta(seconds=60))
        since = row.verified_from
        assert since is not None
        service.abandon_registration(row.id, registration_id=second)
        assert row.verified_from == since
        service.end(row.id, registration_id=first)
        assert row.verified_from is None
        assert SYSTEM.may(customers.permission)


@pytest.mark.parametrize(
    "typed, found",
    [
        ("4321", True), ("13800004321", True), ("138 0000 4321", True), ("冯虚构", True), ("华东第一", True),
        ("9999", False), ("冯", False), ("1", False), ("' OR 1=1", False), ("x" * 500, False),
    ],
)  # fmt: skip
def test_the_palette_finds_a_person(app, cast, typed, found):
    page = palette(staff.signed_in(app, "triager"), typed)
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert (str(cast["active"]) in text) is found
    assert "13800004321" not in text


def palette(client, typed: str):
    """As the dialog asks: by POST, so that nobody's name or number stands in an address."""
    assert client.get(f"/ui/palette?q={typed}").status_code == 405
    return client.post(
        "/ui/palette", data={"q": typed, "csrf_token": staff.csrf(client)}, headers={"HX-Request": "true"}
    )


def test_the_palette_keeps_to_the_scope_and_the_right(app, cast):
    elsewhere = palette(staff.signed_in(app, ("triager", ["44"], False)), "4321").get_data(as_text=True)
    assert str(cast["active"]) not in elsewhere
    reviewer = palette(staff.signed_in(app, "reviewer"), "4321").get_data(as_text=True)
    assert str(cast["active"]) not in reviewer
    masked = palette(staff.signed_in(app, "satisfaction_auditor"), "4321").get_data(as_text=True)
    assert "冯**" in masked
