"""The dispatcher's part in Chromium at 1366 px: assigned in at most three keys, dragged, moved by keyboard; and a ticket
that is declined, runs out of time and goes to a dealer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.browser.live import ROOT, Live
from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BEGIN = """
import json, sys
from datetime import timedelta
import sqlalchemy as sa
from app import create_app
from app.core import clock
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.dispatch import service
from app.dispatch.eligibility import half_plans
from app.dispatch.models import Dispatch
from app.dispatch.service import Order
from app.staff import queries
from app.staff.models import StaffAccount
from app.tickets.models import Ticket
app = create_app()

def planner():
    query = sa.select(StaffAccount.id).where(StaffAccount.email == "dispatcher@demo.invalid")
    return queries.actor_of(db.session.scalars(query).one())

def ticket(number):
    return db.session.scalars(sa.select(Ticket).where(Ticket.number == number)).one()
"""
MAKE = """
from itertools import count
from tests.features.registrations import story
story._count = count(70_000_000)  # telephone numbers that nobody of the demo has
from tests.features.dispatch.people import dealer, dealer_user, engineer, ground
with app.app_context():
    now = clock.now()
    monday = now - timedelta(days=now.weekday()) + timedelta(days=7)
    plans = half_plans(monday.replace(hour=0, minute=0) - timedelta(hours=8), 4)
    with unit_of_work():
        made = ground()
        rows = [made.ticket() for _n in range(3)]
        rows[0].due_at = now - timedelta(days=2_000)  # leads the pool, whatever else waits
        near, far = engineer("近处工", capacity=2), engineer("远处工", lat=31.9, capacity=2)
        firm = dealer("示例商")
        firm.lat = 31.8
        numbers = [row.number for row in rows]
        ids = [str(near.id), str(far.id), str(dealer_user(firm).id)]
    with unit_of_work():
        row = ticket(numbers[1])
        service.offer(planner(), row.number, Order(row.version, near.id, plans[0].span))
    print(json.dumps({"numbers": numbers, "people": ids, "week": plans[0].day.isoformat(),
                      "halves": [f"{p.day}/{p.half.value}" for p in plans]}))
"""
# The first is asked and declines; the second was asked so long ago that his time to answer has run out
BACK = """
import uuid
number, near, far = sys.argv[1], uuid.UUID(sys.argv[2]), uuid.UUID(sys.argv[3])
with app.app_context():
    with unit_of_work():
        row = ticket(number)
        made = service.offer(planner(), number, Order(row.version, near, half_plans(clock.now() + timedelta(days=2), 1)[0].span))
        service.decline(queries.actor_of(near), made.id, "too_far")
    with unit_of_work():
        row = ticket(number)
        made = service.offer(planner(), number, Order(row.version, far, half_plans(clock.now() + timedelta(days=2), 1)[0].span))
        until = made.accept_by
    with clock.frozen(until + timedelta(seconds=1)), unit_of_work():
        from app.tickets.service.time import settle_due
        settle_due()
        from app.dispatch.service.follow import follow_due
        follow_due()
    with unit_of_work(write=False):
        states = [one.state for one in db.session.scalars(sa.select(Dispatch).order_by(Dispatch.offered_at, Dispatch.id))
                  if one.ticket_id == ticket(number).id]
        print(json.dumps([ticket(number).status, states]))
"""
ACCEPT = """
import uuid
number = sys.argv[1]
with app.app_context():
    with unit_of_work():
        row = ticket(number)
        made = db.session.scalars(sa.select(Dispatch).where(Dispatch.ticket_id == row.id, Dispatch.state == "offered")).one()
        service.accept(queries.actor_of(uuid.UUID(sys.argv[2])), made.id)
        print(json.dumps([ticket(number).status, made.override_reason]))
"""


def run(live: Live, code: str, *args: str) -> Any:
    """A few lines beside the running portal; the last line they print."""
    environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(live.folder)}
    environ.pop("PORTAL_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, *args], cwd=ROOT, env=environ, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def week(live) -> dict[str, Any]:
    return run(live, MAKE)


def cell(page, person: str, half: str):
    return page.locator(f'td[data-lane="{person}"][data-when="{half}"]')


def open_board(page, live: Live, **args: str) -> None:
    query = "&".join(f"{name}={value}" for name, value in args.items())
    page.goto(f"{live.url}/dispatch?{query}")
    page.locator(".bd[data-ready]").wait_for()


def test_assigned_in_at_most_three_keys_dragged_by_mouse_and_moved_by_keyboard(live, page, week):
    first, second, _third = week["numbers"]
    near, _far, _firm_user = week["people"]
    sign_in(page, live, "dispatcher@demo.invalid")
    open_board(page, live)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    chosen = page.locator(".bd-wait[aria-current]")
    chosen.wait_for()
    assert first in chosen.get_attribute("href")
    for key in ("j", "k"):  # to the next one and back
        page.keyboard.press(key)
        page.wait_for_url(re.compile("ticket=" if key == "j" else f"ticket={first}"))
        page.locator(".bd[data-ready]").wait_for()
    page.locator("button[data-key=a]").wait_for()
    page.keyboard.press("a")
    page.locator("[data-toast]").filter(has_text=f"{first} 已派给").wait_for()

    open_board(page, live, week=week["week"])
    block = page.locator(f'a[data-card="{second}"]')
    block.wait_for()
    source, target = block.bounding_box(), cell(page, near, week["halves"][1]).bounding_box()
    page.mouse.move(source["x"] + 10, source["y"] + 10)
    page.mouse.down()
    page.mouse.move(source["x"] + 30, source["y"] + 12, steps=4)
    page.mouse.move(target["x"] + 20, target["y"] + 16, steps=8)
    page.mouse.up()
    page.locator("[data-toast]").filter(has_text=second).wait_for()
    cell(page, near, week["halves"][1]).locator(f'[data-card="{second}"]').wait_for()
    assert cell(page, near, week["halves"][0]).locator("[data-card]").count() == 0

    page.locator(".bd[data-ready]").wait_for()
    page.locator(f'a[data-card="{second}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"ticket={second}"))
    page.locator(".bd[data-ready]").wait_for()
    page.keyboard.press("m")
    page.locator("#sheet #mv-when:focus").wait_for()
    page.keyboard.press("ArrowDown")
    assert page.locator("#mv-when").input_value() == week["halves"][2]
    page.keyboard.press("Control+Enter")
    page.locator("[data-toast]").filter(has_text=second).wait_for()
    cell(page, near, week["halves"][2]).locator(f'[data-card="{second}"]').wait_for()
    assert page.problems == []


def test_declined_then_out_of_time_then_given_to_a_dealer(live, page, week):
    third, (near, far, firm_user) = week["numbers"][2], week["people"]
    status, states = run(live, BACK, third, near, far)
    assert (status, states) == ("to_dispatch", ["declined", "expired"])
    sign_in(page, live, "dispatcher@demo.invalid")
    open_board(page, live, ticket=third)
    panel = page.locator(".bd-panel")
    panel.locator("article").filter(has_text="示例商").wait_for()
    panel.locator(".bd-out").filter(has_text="已拒绝过这张工单").wait_for()
    article = panel.locator("article").filter(has_text="示例商")
    if article.locator("select").count():
        article.locator("select").select_option("spare_best")
    article.locator("form button").click()
    page.locator("[data-toast]").filter(has_text=f"{third} 已派给 示例商").wait_for()
    status, _reason = run(live, ACCEPT, third, firm_user)
    assert status == "scheduled"
    open_board(page, live, ticket=third)
    panel.get_by_text("示例商").first.wait_for()
    panel.get_by_text("已预约").wait_for()
    assert page.problems == []
