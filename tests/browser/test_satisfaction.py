"""From closing a ticket through a rating on a phone without scripts, flag, audit and follow-up to the report."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.browser.live import ROOT, Live
from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PHONE = "+8613900000088"
BEFORE = """
import sqlalchemy as sa
from app import create_app
from app.core import clock, keys
from app.core.db import db
from app.core.policy import Actor
from app.core.unit_of_work import unit_of_work
from app.customers.models import Customer
from app.hospitals.models import Hospital
from app.satisfaction.service import Answer, give_own
from app.tickets.models import Ticket, TicketContact
from app.tickets.service import Intake, record_ticket
app = create_app()
with app.app_context(), unit_of_work():
    hospital = db.session.scalars(sa.select(Hospital.id).order_by(Hospital.id)).first()
    people = db.session.scalars(sa.select(Customer.id).order_by(Customer.id).limit(6)).all()
    rows = [record_ticket(Actor("customer", id=who), Intake(hospital, "插入部漏水")) for who in people]
    for row in rows:
        row.status, row.closed_at, row.device_model, row.wakes_at = "closed", clock.now(), "GIF-H290", None
        row.service_mode = "on_site"
    for row, who, score in zip(rows[1:], people[1:], (5, 5, 4, 5, 3)):
        give_own(Actor("customer", id=who), row.number, Answer(score))
    last = rows[0]
    last.status, last.closed_at, last.customer_id = "resolved", None, None
    db.session.execute(sa.delete(TicketContact).where(TicketContact.ticket_id == last.id))
    db.session.add(TicketContact(ticket_id=last.id, subject_id=keys.new_subject(), is_reporter=False, name="严示范",
                                 phone="+8613900000088"))
    print(last.number)
"""
SETTLE = """
from app import create_app
from app.core.unit_of_work import unit_of_work
from app.satisfaction.service import jobs
app = create_app()
with app.app_context(), unit_of_work():
    jobs.settle_due()
"""


def run(live: Live, script: str) -> str:
    environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(live.folder)}
    environ.pop("PORTAL_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def link(live: Live, template: str) -> str:
    """The page of the newest link that this phone was sent, on the portal under test."""
    mine = lambda: [m for m in live.messages() if m["template"] == template and m["to"] == PHONE]
    sent = live.wait_for(mine, template)
    assert isinstance(sent, list)
    return live.url + re.sub(r"^https?://[^/]+", "", sent[-1]["params"]["link"])


def test_from_closing_a_ticket_through_rating_flag_audit_and_follow_up_to_the_report(live, page, chromium):
    number = run(live, BEFORE)
    sign_in(page, live, "triager@demo.invalid")
    page.goto(f"{live.url}/tickets/{number}/act/close")
    page.locator("textarea[name=text]").fill("与严示范老师通话，设备正常")
    page.locator("button:has-text('通话后关闭')").click()
    page.wait_for_url(f"{live.url}/tickets/{number}")
    run(live, SETTLE)

    phone = chromium.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", java_script_enabled=False)
    small = phone.new_page()
    small.goto(link(live, "rating_link"))
    small.locator("label.sat-score", has_text="非常不满意").click()
    small.locator("label.tick", has_text="等得太久").click()
    assert not small.locator("label.tick", has_text="来得快").is_visible()  # the other list, hidden without a script
    small.locator("textarea[name=comment]").fill("等了两周，病人出血")
    small.locator("button:has-text('提交评价')").click()
    small.wait_for_url(re.compile("/thanks$"))
    assert small.locator("h1").inner_text() == "谢谢您的评价"

    page.context.clear_cookies()
    sign_in(page, live, "satisfaction_auditor@demo.invalid")
    page.goto(f"{live.url}/satisfaction")
    row = page.locator("tr", has_text=number)
    row.locator("text=涉及伤害").wait_for()
    row.locator(f"a:has-text('{number}')").click()
    page.locator("blockquote", has_text="病人出血").wait_for()
    assert page.locator("button:has-text('完成审核')").is_disabled()
    page.locator("input[name=complaint][value=yes]").check()
    page.locator("input[name=reportable][value=no]").check()
    page.locator("#complaint-reason").fill("病人出血，交不良事件判断")
    page.locator("button:has-text('记下判定')").click()
    page.locator("text=已通知不良事件").wait_for()

    for item in ("record", "promise", "contact", "result"):
        page.locator(f"input[name=card_{item}][value='1']").check()
    page.locator("input[name=outcome][value=ok]").check()
    page.locator("button:has-text('完成审核')").click()
    page.locator("h1 ~ * .chip, .chip", has_text="已审核").first.wait_for()
    page.locator("select[name=contact]").select_option("reached")
    page.locator("select[name=root_cause]").select_option("waiting")
    page.locator("textarea[name=action]").fill("当面道歉，换用备机")
    page.locator("button:has-text('写完并再次询问用户')").click()
    page.locator("#follow-up .chip", has_text="等再次评价").wait_for()

    small.goto(link(live, "rating_second"))
    small.locator("label.sat-score", has_text="4").click()
    small.locator("button:has-text('提交')").click()
    small.wait_for_url(re.compile("/thanks$"))
    page.reload()
    page.locator("#follow-up .chip", has_text="已了结").wait_for()
    assert page.locator(".sat-big b").inner_text() == "1"

    page.goto(f"{live.url}/satisfaction/report")
    page.locator("h2", has_text="给了几分？").wait_for()
    page.locator("text=6 条评价，其中 1 至 2 分 1 条").wait_for()
    page.locator("canvas, svg.chart, .chart svg").first.wait_for()
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [1366, 1366]
    assert page.problems == []
    phone.close()
