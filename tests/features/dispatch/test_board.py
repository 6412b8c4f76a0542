"""The week board: one page, few statements, every act judged again."""

from __future__ import annotations

import re
from datetime import date, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.eligibility import Span
from app.dispatch.models import Dispatch, Engineer, Exclusion, Visit
from app.dispatch.queries import board as reads
from app.dispatch.service import Order
from app.dispatch.service import people as records
from app.hospitals.models import Hospital
from app.tickets.models import Ticket
from tests.factories import staff
from tests.features.dispatch.people import MONDAY, contract, dealer, engineer, ticket_of
from tests.features.dispatch.test_offers import MORNING, counted

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
AFTERNOON = Span(MORNING.since + timedelta(hours=4.5), MORNING.until + timedelta(hours=6))
WHEN = "2026-11-24/am"


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def cells(text: str, name: str) -> str:
    """The HTML of one person's row."""
    row = text[text.index(f'title="{name}"') :]
    return row[: row.index("</tr>")]


def test_list_of_undispatched_candidate_panel_and_week_board_on_one_page_assign_in_two_clicks_or_three_keys(room):
    """Feature 5. The first click chooses (here the second ticket), the second offers; by keys: j, then a."""
    with unit_of_work():
        first, second, him = room.ground.ticket(), room.ground.ticket(), engineer()
        numbers = first.number, second.number
    page = room.client(room.ground.dispatcher)
    text = text_of(page.get("/dispatch"))
    assert all(f'data-card="{number}"' in text for number in numbers)
    assert "可以承接 1" in text and "离时限" in text and "派给" in text and him.name in cells(text, him.name)
    chosen = re.search(r'href="(/dispatch\?ticket=[^"]+)"[^>]*data-key="j"', text)
    assert chosen is not None and numbers[1] in chosen[1]
    text = text_of(page.get(chosen[1].replace("&amp;", "&")))
    form = re.search(r'action="(/dispatch/[^"]+/offer)".*?data-key="a"', text, re.S)
    assert form is not None and numbers[1] in form[1]
    fields = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form[0]))
    answer = page.post(form[1], data=fields)
    assert (answer.status_code, answer.location) == (303, "/dispatch")
    with unit_of_work(write=False):
        assert ticket_of(second.id).assignee_id == him.id


def test_the_board_costs_three_statements_and_the_panel_three_whatever_the_number_of_people(room):
    with unit_of_work():
        for _n in range(2):
            room.ground.ticket()
        engineer()
    page = room.client(room.ground.dispatcher)

    def cost() -> int:
        with counted() as sent:
            assert page.get("/dispatch").status_code == 200
        return len(sent)

    cost()
    few = cost()
    with unit_of_work():
        for n in range(8):
            him = engineer(f"工程{n}")
            dealer(f"经销{n}")
            row = room.ground.ticket()
            service.offer(
                room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING, override_reason="same_trip")
            )
    assert cost() == few
    with counted() as sent, unit_of_work(write=False):
        reads.pool(room.ground.dispatcher, "")
        reads.people(room.ground.dispatcher, "", "", Span(MONDAY, MONDAY + timedelta(days=5)))
    assert sum(one.startswith("SELECT") for one in sent) == 3


def test_absence_shifts_capacity_and_contracts_are_seen_in_the_week_overload_in_colour_and_words(room):
    with unit_of_work():
        away, part, busy = engineer("缺勤工"), engineer("半天工"), engineer("超排工")
        records.add_absence(room.ground.lead, away.id, WEDNESDAY, WEDNESDAY, "training")
        records.set_shifts(room.ground.lead, part.id, [(1, "am")])
        dealer("到期商", until=TUESDAY)
        for _n in range(2):
            row = room.ground.ticket()
            service.offer(
                room.ground.dispatcher, row.number, Order(row.version, busy.id, MORNING, override_reason="same_trip")
            )
            make_room(busy.id, 2)
        make_room(busy.id, 1)
    text = text_of(room.client(room.ground.dispatcher).get("/dispatch"))
    assert re.search(r'<td colspan="2"[^>]*is-off[^>]*><em class="bd-off" title="培训">', cells(text, "缺勤工"))
    assert "不当班" in cells(text, "半天工")
    assert "合同 11-24 止" in cells(text, "到期商") and "is-law" in cells(text, "到期商")
    over = cells(text, "超排工")
    assert "is-over" in over and "超 1 单" in over and "超排 1" in over


def make_room(engineer_id, most: int) -> None:
    db.session.get_one(Engineer, engineer_id).capacity = most
    db.session.flush()


def test_a_visit_in_an_absence_is_said_and_its_block_stays(room):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
        service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
        records.add_absence(room.ground.lead, him.id, TUESDAY, TUESDAY, "leave")
    text = cells(text_of(room.client(room.ground.dispatcher).get("/dispatch")), him.name)
    assert "缺勤冲突" in text and "休假" in text and row.number in text


def test_a_region_filter_follows_the_dispatchers_bounds(room):
    with unit_of_work():
        row, here = room.ground.ticket(), engineer("两地工", provinces=["31", "11"])
        engineer("外地工", provinces=["44"])
        service.offer(room.ground.dispatcher, row.number, Order(row.version, here.id, MORNING))
    bounded = staff.signed_in(room.app, ("dispatcher", ["11"], False))
    text = text_of(bounded.get("/dispatch"))
    assert "两地工" in text and "外地工" not in text and row.number not in text
    assert "外区" in cells(text, "两地工")  # it takes room, without number and place
    assert 'value="11"' in text and 'value="31"' not in text
    assert "外地工" not in text_of(bounded.get("/dispatch", query_string={"province": "44"}))
    for path in (f"/dispatch?ticket={row.number}", f"/dispatch/{row.number}/move"):
        assert bounded.get(path).status_code == 404
    assert bounded.post(f"/dispatch/{row.number}/move", data={"version": row.version}).status_code in (404, 422)
    whole = room.client(room.ground.dispatcher)
    assert "外地工" not in text_of(whole.get("/dispatch", query_string={"province": "31"}))
    assert "两地工" not in text_of(whole.get("/dispatch", query_string={"kind": "dealer"}))


def test_a_drop_is_an_ordinary_post_judged_again_by_the_rule_engine(room):
    """A drag onto an absent engineer by a forged POST, and a drop that says everything."""
    with unit_of_work():
        row, him, gone = room.ground.ticket(), engineer(), engineer("缺勤工")
        records.add_absence(room.ground.lead, gone.id, TUESDAY, TUESDAY, "leave")
        number, version = row.number, row.version
    page = room.client(room.ground.dispatcher)
    url = f"/dispatch/{number}/move"
    forged = page.post(url, data={"version": version, "assignee_id": gone.id, "when": WHEN})
    text = text_of(forged)
    assert forged.status_code == 409 and "缺勤到 2026-11-24" in text and "调整缺勤" in text
    assert re.search(rf'<option lang="zh-CN" value="{gone.id}" selected>', text) and f'value="{WHEN}" selected' in text
    for nonsense in ({"assignee_id": "x", "when": "soon"}, {"assignee_id": him.id, "when": "2026-11-20/am"}, {}):
        assert page.post(url, data={"version": version, **nonsense}).status_code == 422
    done = page.post(url, data={"version": version, "assignee_id": him.id, "when": WHEN, "back": "week=2026-11-23&x=1"})
    assert (done.status_code, done.location) == (303, "/dispatch?week=2026-11-23")
    stale = page.post(url, data={"version": version, "assignee_id": him.id, "when": WHEN})
    assert stale.status_code == 409 and "调度甲" in text_of(stale)
    with unit_of_work(write=False):
        assert [one.state for one in db.session.scalars(sa.select(Dispatch))] == ["offered"]


def test_moving_by_the_form_an_offer_that_waits_a_visit_to_another_time_and_to_another_person(room):
    with unit_of_work():
        row, him, other = room.ground.ticket(), engineer(), engineer("工程乙", lat=31.3)
        made = service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
        number, ticket_id, dispatch_id = row.number, row.id, made.id
    page, url = room.client(room.ground.dispatcher), f"/dispatch/{number}/move"

    def post(**values) -> tuple[int, str]:
        with unit_of_work(write=False):
            version = ticket_of(ticket_id).version
        answer = page.post(url, data={"version": version, **values})
        return answer.status_code, text_of(answer)

    assert "移到哪个半天" in text_of(page.get(url)) and "由谁承接" in text_of(page.get(url))
    assert post(assignee_id=him.id, when="2026-11-24/pm")[0] == 303
    with unit_of_work():
        held = db.session.scalars(sa.select(Dispatch).where(Dispatch.state == "offered")).one()
        assert held.id != dispatch_id and held.window_from == AFTERNOON.since
        assert db.session.get_one(Dispatch, dispatch_id).ended_reason == "plan_changed"
        assert db.session.scalars(sa.select(Exclusion)).all() == []  # counts against nobody
        service.accept(him, held.id)
    status, text = post(assignee_id=him.id, when="2026-11-25/am")
    assert status in (409, 422) and "为什么改" in text and 'value="2026-11-25/am" selected' in text
    assert post(assignee_id=him.id, when="2026-11-25/am", reason="customer_wish", told_by="customer")[0] == 303
    with unit_of_work(write=False):
        visit = db.session.scalars(sa.select(Visit)).one()
        assert (visit.changes, clock.SHANGHAI.fromutc(visit.window_from.replace(tzinfo=clock.SHANGHAI)).day) == (1, 25)
    status, text = post(assignee_id=other.id, when="2026-11-25/am", reason="absent")
    assert status == 422 and "没有选首选人员" in text  # nothing of it happened: he still has it
    with unit_of_work(write=False):
        assert ticket_of(ticket_id).assignee_id == him.id
    assert post(assignee_id=other.id, when="2026-11-25/am", reason="absent", override_reason="same_trip")[0] == 303
    with unit_of_work(write=False):
        row = ticket_of(ticket_id)
        assert (row.status, row.assignee_id, row.call_first) == ("offered", other.id, False)
        assert db.session.scalars(sa.select(Visit)).one().outcome == "called_off"


def test_the_bar_says_that_something_changed_and_nothing_jumps(room):
    with unit_of_work():
        row, him = room.ground.ticket(), engineer()
    page = room.client(room.ground.dispatcher)
    seen = re.search(r'hx-get="(/dispatch/changes[^"]*)"', text_of(page.get("/dispatch")))
    assert seen is not None
    url = seen[1].replace("&amp;", "&")
    assert page.get(url).status_code == 204
    with unit_of_work():
        room.ground.ticket()
    assert "有 1 张新的工单待派单" in text_of(page.get(url))
    with unit_of_work():
        row = ticket_of(row.id)
        service.offer(room.ground.dispatcher, row.number, Order(row.version, him.id, MORNING))
    assert "派工有变化" in text_of(page.get(url))
    assert page.get("/dispatch/changes?seen=nonsense").status_code == 422
    away = staff.signed_in(room.app, ("dispatcher", ["11"], False))
    assert away.get("/dispatch/changes?seen=0-0.0-0.0-0").status_code == 204


def test_nobody_eligible_missing_coordinates_and_odd_addresses_are_said_not_guessed(room):
    with unit_of_work():
        row = room.ground.ticket()
        place = db.session.get_one(Hospital, row.hospital_id)
        place.lat = place.lon = None
    page = room.client(room.ground.dispatcher)
    text = text_of(page.get("/dispatch"))
    assert "这个半天无人可派" in text and "医院没有坐标，路程未知，不计分" in text and "没有人员" in text
    odd = {"week": "2999-99-99", "province": "zz", "kind": "robot", "page": "-3", "day": "soon", "half": "noon"}
    assert page.get("/dispatch", query_string=odd).status_code == 200
    assert page.get("/dispatch", query_string={"week": "2027-06-01"}).status_code == 200  # no calendar there
    assert page.get("/dispatch", query_string={"ticket": "TKT-20260101-9999"}).status_code == 404


def test_a_contract_that_ends_the_day_before_and_a_certificate_until_midnight_of_the_visit(room):
    with unit_of_work():
        row, lasts = room.ground.ticket(), engineer("当天到期工", until=TUESDAY)
        early = dealer("前一天到期商", until=MONDAY.date())
        number, version = row.number, row.version
    page, url = room.client(room.ground.dispatcher), f"/dispatch/{number}/move"
    refused = page.post(url, data={"version": version, "assignee_id": early.id, "when": WHEN})
    assert refused.status_code == 409 and "合同 2026-11-23 到期，上门 2026-11-24" in text_of(refused)
    late = page.post(url, data={"version": version, "assignee_id": lasts.id, "when": "2026-11-25/am"})
    assert late.status_code == 409 and "2026-11-24 到期" in text_of(late)
    with unit_of_work():
        contract(early, TUESDAY)
    assert page.post(url, data={"version": version, "assignee_id": lasts.id, "when": WHEN}).status_code == 303


def test_a_ticket_that_nobody_plans_cannot_be_moved(room):
    with unit_of_work():
        row = room.ground.ticket()
        row.status = "closed"
    page = room.client(room.ground.dispatcher)
    assert page.get(f"/dispatch/{row.number}/move").status_code == 422
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Ticket)) == 1
