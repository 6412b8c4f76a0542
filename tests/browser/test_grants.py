"""Department access from the proposal to its end, by three people in the browser and one on the mini program.

Time is not moved: the grant ends within thirty days, so that it may be renewed at once, and the worker's own minute
announces the pause. Every effect on the customer is asked of the real API at the next call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta

import pytest
import requests

from app.core import clock
from tests.browser.live import PASSWORD, ROOT, Live
from tests.browser.test_story import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MANAGER, SECOND, THIRD = "grant_manager@demo.invalid", "grant_manager2@demo.invalid", "grants3@demo.invalid"

BEGIN = """
from datetime import timedelta
from app.core.policy import SYSTEM
from app.staff import service as staff
from app.staff.roles import Role
from tests.features.grants.test_foreign_ids import token_for
staff.create_active(SYSTEM, {third!r}, "赵演丙", {password!r}, roles=[(Role.GRANT_MANAGER, None, True)])
at = world.place("浏览示范医院")
who, *others = (world.person(at) for _n in range(3))
tickets = [world.ticket(at, "消化内科", ago=timedelta(days=n + 1)).number for n in range(5)]
more = [world.ticket(at, "手术室", ago=timedelta(days=n + 20)).number for n in range(2)]
own = world.ticket(at, "内镜中心", by=who).number
said = {{"who": str(who.id), "head": token_for(who, "browser")[1], "tickets": tickets, "more": more, "own": own,
        "kept": world.granted(at, others[0], "消化内科").number,
        "reduced": world.granted(at, others[1], "消化内科", "手术室").number,
        "reduced_head": token_for(others[1], "reduced")[1],
        "code": db.session.get(Hospital, at.id).code}}
"""
AGE = """
from app.staff.models import StaffAccount, StaffSession
mine = sa.select(StaffAccount.id).where(StaffAccount.email == {email!r})
hour_ago = clock.now() - timedelta(hours=1)
db.session.execute(sa.update(StaffSession).where(StaffSession.staff_id.in_(mine)).values(signed_in_at=hour_ago))
said = None
"""
DRIFT = """
import uuid
from app.customers.models import Customer
person = db.session.get(Customer, uuid.UUID({who!r}))
at = world.Place(None)
at.id, ward = db.session.execute(sa.select(Department.hospital_id, Department.id).join(Hospital).where(
    Hospital.name == "浏览示范医院", Department.name == "内镜中心")).one()
at.wards["内镜中心"] = ward
world.approve(person, at, "内镜中心", title="副主任护师")
said = None
"""


def behind(live: Live, block: str, **values: str) -> dict:
    """Something that happens elsewhere in the portal, done by its own services in a process beside it."""
    code = (
        "import json\nfrom datetime import timedelta\nimport sqlalchemy as sa\nfrom app import create_app\n"
        "from app.core import clock\nfrom app.core.db import db\nfrom app.core.unit_of_work import unit_of_work\n"
        "from app.hospitals.models import Department, Hospital\nfrom tests.features.grants import world\n"
        "app = create_app()\nwith app.app_context(), unit_of_work():\n"
        + "".join(f"    {line}\n" for line in block.format(password=PASSWORD, **values).splitlines())
        + "    print(json.dumps(said))\n"
    )
    environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(live.folder)}
    environ.pop("PORTAL_DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


class Phone:
    """The customer's side: what the mini program is answered at this very moment."""

    def __init__(self, live: Live, head: dict[str, str]) -> None:
        self.api, self.head = f"{live.url}/api/v1", head

    def status(self, path: str) -> int:
        return requests.get(f"{self.api}{path}", headers=self.head, timeout=10).status_code

    def department(self) -> list[str] | int:
        answer = requests.get(f"{self.api}/tickets?scope=department&limit=100", headers=self.head, timeout=10)
        return sorted(item["number"] for item in answer.json()["items"]) if answer.ok else answer.status_code


@pytest.fixture
def desk(chromium, live):
    """A browser of its own for each member of staff."""
    contexts = []

    def of(email: str):
        context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        contexts.append(context)
        found = context.new_page()
        found.problems = []
        found.on("pageerror", lambda e: found.problems.append(str(e)))
        sign_in(found, live, email)
        return found

    yield of
    for context in contexts:
        context.close()


def press(page, words: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).first.click()


def number_of(page) -> str:
    return page.url.rsplit("/", 1)[1].partition("?")[0]


def propose(page, *wards: str, last: date | None = None) -> str:
    """Terms, the preview with real rows, and only then the saving. Returns the number."""
    for ward in wards:
        page.get_by_label(ward, exact=True).check()
    if last is not None:
        page.locator("input[name=ends_on]").fill(last.isoformat())
    page.locator("textarea[name=reason]").fill("科室设备由她统一报修")
    press(page, "预览会打开什么")
    page.locator("#preview").wait_for()


def figures(page) -> list[str]:
    return page.locator("#preview .grant-figures dd").all_inner_texts()


def test_a_grant_is_given_used_drifts_is_renewed_reviewed_and_revoked(live, desk):
    made = behind(live, BEGIN, third=THIRD)
    phone, all_of_it = Phone(live, made["head"]), sorted(made["tickets"])
    assert phone.department() == 403
    one, two, three = desk(MANAGER), desk(SECOND), desk(THIRD)

    # proposed from the person's page, seen before it is given
    one.goto(f"{live.url}/customers/{made['who']}")
    one.get_by_role("link", name="提出权限").first.click()
    propose(one, "消化内科", last=clock.today() + timedelta(days=20))
    assert figures(one)[:3] == ["5", "5", "1"]
    assert made["tickets"][0] in one.locator("#preview").inner_text()
    press(one, "提出权限")
    number = number_of(one)
    assert "您提出或同意过这一项" in one.content()
    assert phone.department() == 403

    # approved by a second person, who has to say again that it is he
    behind(live, AGE, email=SECOND)
    two.goto(f"{live.url}/grants/{number}")
    assert figures(two)[:2] == ["5", "5"]
    press(two, "批准权限")
    two.get_by_role("link", name="再次输入密码").click()
    two.locator("input[name=password]").fill(PASSWORD)
    two.keyboard.press("Enter")
    two.wait_for_url(lambda url: "step" not in url and "confirm" not in url)
    two.goto(f"{live.url}/grants/{number}")
    press(two, "批准权限")
    assert "生效中" in two.content()

    # used through the real API
    assert phone.department() == all_of_it
    assert phone.status(f"/tickets/{made['tickets'][2]}") == 200
    assert phone.status(f"/tickets/{made['more'][0]}") == 404

    # drift: gone at once, announced by the worker, confirmed again on a new basis
    behind(live, DRIFT, who=made["who"])
    assert phone.department() == 403

    def paused() -> bool:
        two.goto(f"{live.url}/grants/{number}")
        return two.get_by_role("heading", name="重新确认").count() > 0

    live.wait_for(paused, "the pause", seconds=100)
    assert "职称有变动" in two.content()
    two.get_by_label("消化内科", exact=True).check()  # nothing is kept that nobody ticked
    two.locator("textarea[name=note]").first.fill("新聘任文件已核")
    press(two, "重新确认权限")
    assert phone.department() == all_of_it

    # renewed with what was opened since the start, and how many rows are new
    one.goto(f"{live.url}/grants/{number}")
    one.get_by_role("link", name="提出续期").click()
    assert "1 次" in one.locator(".panel").filter(has_text="这一期的使用").inner_text()
    propose(one, "手术室", last=clock.today() + timedelta(days=90))
    assert figures(one)[:3] == ["7", "2", "2"]
    press(one, "提出权限")
    renewed = number_of(one)
    assert phone.department() == all_of_it
    two.goto(f"{live.url}/grants/{renewed}")
    press(two, "批准权限")
    assert phone.department() == sorted(made["tickets"] + made["more"])

    # the quarterly review, item by item, by somebody who had no part in it
    three.goto(f"{live.url}/grants/reviews")
    three.locator("select[name=place]").select_option("31")
    three.locator("input[name=hospital]").fill(made["code"])
    press(three, "开始复核")
    review = number_of(three)
    one.goto(f"{live.url}/grants/reviews/{review}")
    assert one.locator(f"#item-{renewed} form").count() == 0  # who proposed it does not review it
    decide(three, made["kept"], "保留")
    decide(three, made["reduced"], "缩小", drop="手术室")
    assert Phone(live, made["reduced_head"]).department() == all_of_it
    decide(three, renewed, "撤销", note="已调岗")
    assert phone.department() == 403
    assert phone.status(f"/tickets/{made['tickets'][2]}") == 404
    assert phone.status(f"/tickets/{made['own']}") == 200
    three.goto(f"{live.url}/grants/reviews/{review}/evidence")
    shown = three.locator("table").inner_text()
    assert [word for word in ("保留", "缩小", "撤销", "已调岗") if word not in shown] == []

    # revoked by hand: this grant alone, gone at the next call
    other = Phone(live, made["reduced_head"])
    two.goto(f"{live.url}/grants/{made['reduced']}")
    two.get_by_role("button", name="撤销权限").first.click()
    two.locator("#revoke-note").fill("离职")
    with two.expect_navigation():
        two.locator("dialog[open]").get_by_role("button", name="撤销权限", exact=True).click()
    assert "已撤销" in two.content()
    assert other.department() == 403
    two.goto(f"{live.url}/grants/{made['kept']}")
    assert "生效中" in two.content()
    assert [each.problems for each in (one, two, three)] == [[], [], []]


def decide(page, number: str, word: str, *, drop: str = "", note: str = "") -> None:
    item = page.locator(f"#item-{number}")
    item.get_by_label(word, exact=True).check()
    if drop:
        item.locator("summary").click()
        item.get_by_label(drop, exact=True).uncheck()
    if note:
        item.locator("textarea").fill(note)
    with page.expect_navigation():
        item.get_by_role("button", name=f"记录 {number} 的决定").click()
    assert page.locator(f"#item-{number} .panel-aside").inner_text().strip().startswith(word)
