"""Promises by versions: drafted, compared, published by somebody else; open tickets move only when told to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import calendar, clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.web import Portal
from app.staff import queries
from app.tickets import service
from app.tickets.facts import Facts
from app.tickets.models import Escalation, SlaClock, SlaEvent, SlaPolicy, SlaRebase, Ticket
from app.tickets.queries import receipt
from app.tickets.service import rebase
from app.tickets.sla import policy
from tests.factories import staff as accounts
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import DAY, HOUR, MONDAY
from tests.features.tickets.test_clocks import SHEET


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        found = office(app)
        with found.work():
            calendar.seed()
            for who in ("admin", "second"):
                found.people[who] = queries.actor_of(accounts.account(("admin", None, False), name=f"管理{who}").id)
        yield found


def fields(o: Office, who: str = "admin") -> dict[str, Any]:
    """The form as the browser would send it back."""
    page = o.get("/tickets/policies/draft", who)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = unescape(value[1]) if value else ""
    return found


def draft(o: Office, who: str = "admin", **changed: Any) -> Any:
    sent = fields(o, who) | {"note": "合同要求更快", **changed}
    return o.post("/tickets/policies/draft", {k: v for k, v in sent.items() if v is not None}, who)


def publish(o: Office, who: str = "second", seen: int = 1, day: str = "2026-11-23") -> Any:
    return o.post("/tickets/policies/draft/publish", {"seen": str(seen), "from_day": day}, who)


def clocks(o: Office, ref: Ref) -> dict[str, tuple[int, Any, Any]]:
    with o.work():
        rows = db.session.scalars(sa.select(SlaClock).where(SlaClock.ticket_id == ref.id))
        return {row.metric: (row.policy_version, row.due_at, row.stopped_at) for row in rows}


def run_jobs(o: Office) -> None:
    with o.app.app_context(), clock.frozen(clock.now()):
        from app.core import jobs

        while jobs.run_one(o.app):
            pass


def equal(o: Office, ref: Ref) -> bool:
    with o.work():
        return receipt.of(db.session.get_one(Ticket, ref.id)).equal


def test_a_version_is_drafted_compared_and_published_by_another_person(o: Office) -> None:
    before = o.report()
    page = o.get("/tickets/policies", "admin")
    assert "第 1 版生效中" in page and "80 小时" in page and "每个小时都计" in page and "50% · 75%" in page
    answer = draft(o, p3_resolution="60", max_site_closed="40", stop_site_closed_arrival=None, every_p2="y")
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/draft/compare")
    page = o.get("/tickets/policies/draft/compare", "admin")
    for words in ("80 小时", "60 小时", "P2", "每个小时都计", "停哪些时钟", "须由另一位同事发布"):
        assert words in page, words
    assert before.number in page and "涉及工单" in page
    assert publish(o, "admin").status_code == 403
    assert publish(o).status_code == 303
    with o.work():
        made = policy.in_force(clock.now())
        assert (made.version, made.hours["p3"]["resolution"], made.published_name) == (2, 60, "管理second")
        assert policy.pause_reason(made, "site_closed").most_hours == 40
        assert policy.pause_reason(made, "site_closed").stops == {"resolution"}
        assert policy.named_in('["p1", "p2"]', "p2") and made.around_the_clock == ["p1", "p2"]
        events = db.session.scalars(sa.select(AuditEvent.event).where(AuditEvent.event.like("sla_policy.%"))).all()
        assert sorted(events) == ["sla_policy.drafted", "sla_policy.published"]
    assert clocks(o, before)["resolution"][0] == 1, "frozen versions never move by themselves"
    after = o.report("新的故障")
    assert clocks(o, after)["resolution"][0] == 2
    assert "1 张未结工单仍按较早的版本计时" in o.get("/tickets/policies", "admin")
    assert "第 1 版" in o.get("/tickets/policies/versions/1", "admin")
    assert o.client("admin").get("/tickets/policies/versions/9").status_code == 404


def test_from_a_date_on(o: Office) -> None:
    draft(o, p3_resolution="60")
    for day in ("2026-11-22", "2028-01-01", "x", ""):
        assert publish(o, day=day).status_code == 422, day
    assert publish(o, day="2026-12-01").status_code == 303
    assert "起生效" in o.get("/tickets/policies", "admin")
    assert clocks(o, o.report())["resolution"][0] == 1
    with o.work(MONDAY + 8 * DAY):
        assert policy.in_force(clock.now()).version == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"p1_response": ""}, "请填数字"), ({"p1_response": "abc"}, ""), ({"p1_response": "0"}, "请填 0.25 到 2000 小时"),
        ({"p1_response": "-3"}, "请填 0.25"), ({"p1_response": "1e9"}, "请填 0.25"), ({"p1_response": "nan"}, "请填 0.25"),
        ({"p1_response": "30"}, "不能短于"), ({"levels": "50、75"}, "其中要有 100"), ({"levels": "100、50"}, "从小到大"),
        ({"levels": ""}, "从小到大"), ({"levels": "5、100"}, "在 10 到 300 之间"), ({"max_site_closed": "0"}, "请填 1 到"),
        ({"note": ""}, "请用一句话写明"), ({"note": "长" * 201}, ""), ({}, "没有可保存的改动"),
    ],
)  # fmt: skip
def test_a_bad_draft_is_refused_and_keeps_what_was_typed(o: Office, changed: dict[str, str], words: str) -> None:
    answer = draft(o, **changed)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in text
    if changed.get("p1_response"):
        assert f'value="{changed["p1_response"]}"' in text or changed["p1_response"] in text
    with o.work():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SlaPolicy)) == 1


def test_two_people_at_once_and_twice(o: Office) -> None:
    mine, theirs = fields(o) | {"note": "甲", "p3_quote": "20"}, fields(o) | {"note": "乙", "p3_quote": "21"}
    assert o.post("/tickets/policies/draft", mine, "admin").status_code == 303
    late = o.post("/tickets/policies/draft", theirs, "second")
    assert late.status_code == 409 and 'value="21"' in late.get_data(as_text=True)
    assert publish(o, seen=2).status_code == 409
    assert publish(o).status_code == 303
    assert publish(o).status_code == 409, "published already"
    assert o.post("/tickets/policies/draft/drop", {"seen": "1"}, "admin").status_code == 409
    assert draft(o, p3_quote="22").status_code == 303
    assert o.post("/tickets/policies/draft/drop", {"seen": "1"}, "admin").status_code == 303
    assert "没有草稿" in o.get("/tickets/policies/draft/compare", "admin")


def test_only_who_may_set_promises(o: Office) -> None:
    for path in ("", "/draft", "/draft/compare", "/rebase", "/rebase/export", "/versions/1"):
        assert o.client("lead").get(f"/tickets/policies{path}").status_code == 403, path
    for path in ("/draft", "/draft/publish", "/draft/drop", "/rebase"):
        assert o.post(f"/tickets/policies{path}", who="lead").status_code == 403, path


def test_rebase_is_an_explicit_previewed_logged_act_and_never_touches_stopped_clocks(o: Office) -> None:
    """dispatch.md 7 (c)."""
    ref = o.claimed()  # the first touch has stopped
    ended = o.report("别的故障")
    with o.work():
        service.move(service.locked(ended.id), "cancel_ticket", SYSTEM, Facts(now=clock.now()))
    draft(o, p3_first_touch="1", p3_response="2", p3_resolution="60")
    publish(o)
    old = clocks(o, ref)
    with clock.frozen(MONDAY + HOUR / 10):
        page = o.get("/tickets/policies/rebase", "admin")
        assert page.count(f">{ref.number}</") == 2, "response and resolution; the first touch has stopped"
        assert ended.number not in page and "改期 1 张工单" in page
        assert clocks(o, ref) == old, "looking moves nothing"
        answer = o.client("admin").get("/tickets/policies/rebase/export?format=csv")
        rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
        assert [row[0] for row in rows[1:]] == [ref.number, ref.number] and rows[1][-1] == "是"
        ask = lambda **kw: o.post("/tickets/policies/rebase", {"seen": "2", "note": "合同", **kw}, "admin").status_code
        assert ask(note="") == 422 and ask(note="长" * 201) == 422 and ask(seen="1") == 409
        assert clocks(o, ref) == old
        assert ask() == 303 and ask() == 409
        run_jobs(o)
        new = clocks(o, ref)
        assert new["first_touch"] == old["first_touch"]
        assert new["response"][:2] == (2, MONDAY + 2 * HOUR) and new["resolution"][0] == 2
        assert all(version == 1 for version, _due, _stop in clocks(o, ended).values())
        assert equal(o, ref) and equal(o, ended)
        assert "时限规则第 2 版" in o.get(f"{ref.url}/clocks") and "已完成" in o.get("/tickets/policies", "admin")
        assert "没有截止时间会移动" in o.get("/tickets/policies/rebase", "admin")
    with o.work():
        line = db.session.scalars(sa.select(SlaEvent).where(SlaEvent.act == "rebase")).one()
        assert (line.ticket_id, line.reason, line.by_name) == (ref.id, "policy:2", "管理admin")
        assert db.session.scalar(sa.select(sa.func.count()).where(AuditEvent.event == "ticket.rebased")) == 1
        assert db.session.get_one(Ticket, ref.id).due_at == MONDAY + 2 * HOUR
        warned = (
            sa.select(Escalation.due_at).join(SlaClock).where(SlaClock.metric == "response", Escalation.level == 100)
        )
        assert db.session.scalar(warned) == MONDAY + 2 * HOUR


def test_a_rebase_killed_in_the_middle_goes_on_and_does_no_ticket_twice(
    o: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = [o.report(f"故障 {n}") for n in range(5)]
    draft(o, p3_resolution="60")
    publish(o)
    with o.work():
        admin = replace(o.people["admin"], signed_in_at=clock.now())
        asked = rebase.to_policy(admin, "合同", seen_version=2).id
    monkeypatch.setattr(rebase, "BATCH", 2)
    real, done = rebase._one, []

    def dies(ticket_id: Any, row: Any) -> None:
        if len(done) == 3:
            raise RuntimeError("killed")
        done.append(ticket_id)
        real(ticket_id, row)

    monkeypatch.setattr(rebase, "_one", dies)
    with o.app.app_context(), pytest.raises(RuntimeError):
        rebase.carry_out(asked)
    monkeypatch.setattr(rebase, "_one", real)
    with o.app.app_context():
        rebase.carry_out(asked)
        rebase.carry_out(asked)
    with o.work():
        row = db.session.get_one(SlaRebase, asked)
        assert (row.touched, row.failed, row.finished_at is not None) == (5, 0, True)
        lines = db.session.scalar(sa.select(sa.func.count()).where(SlaEvent.act == "rebase"))
        assert lines == 5
    assert all(equal(o, ref) for ref in refs)


# the calendar


STOPPED = "day,is_working,name\n2026-11-25,0,停电\n2026-11-26,0,停电\n"


def upload(o: Office, text: str) -> str:
    answer = o.post("/settings/calendar", {"file": (io.BytesIO(text.encode()), "notice.csv")}, "admin")
    assert answer.status_code == 303
    return o.get("/settings/calendar/draft", "admin")


def put_in_force(o: Office, page: str, **more: str) -> None:
    edition = re.search(r'name="edition" value="([^"]+)"', page)
    assert edition is not None
    sent = {"edition": unescape(edition[1]), **more}
    assert o.post("/settings/calendar/draft/publish", sent, "admin").status_code == 303
    with o.work():
        rebase.follow_calendar()  # the job of every minute
    run_jobs(o)


def test_calendar_change_preview_shows_every_open_ticket_whose_deadline_moves_by_how_much_and_which_promises_changed(
    o: Office,
) -> None:
    """Sentence 5 of dispatch.md 4: before publishing, old and new deadline, the move, and what customers were told."""
    ref = o.claimed()
    urgent = o.report("漏电")
    with o.work():
        service.claim(o.people["colleague"], urgent.id, service.Seen(1))
        facts = Facts(now=clock.now(), text="好", questions=("photo",), triage=SHEET)
        service.move(service.locked(urgent.id), "finish_triage", SYSTEM, facts, changes={"priority": "p1"})
    old = clocks(o, ref)
    page = upload(o, STOPPED)
    assert page.count(f">{ref.number}</") == 1, "the response is due before the days that change"
    assert urgent.number not in page, "every hour counts there, whatever the calendar says"
    moved = page.split(f">{ref.number}</")[1].split("</tr>")[0]
    assert "解决" in moved and "晚" in moved and "是" in moved
    assert "12-07" in moved, "ten working days on, and four days off in between: two weekends and two lost days"
    file = o.client("admin").get("/settings/calendar/draft/export?format=csv").get_data().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(file)))
    assert len(rows) == 2 and rows[1][0] == ref.number and rows[1][2] < rows[1][3] and rows[1][5] == "是"
    assert o.client("admin").get("/settings/calendar/draft/export?format=pdf").status_code == 422
    assert clocks(o, ref) == old, "nothing moves by looking"


def test_published_without_following_promises_keep_their_calendar(o: Office) -> None:
    ref = o.claimed()
    old = clocks(o, ref)
    put_in_force(o, upload(o, STOPPED))
    assert clocks(o, ref) == old and equal(o, ref)
    later = clocks(o, o.report("之后的"))
    assert later["resolution"][1] > old["resolution"][1], "new promises count by the new days"
    with o.work():
        found = calendar.versions()[0]
        assert (found.changed, found.published_name, found.source) == (2, "管理admin", "notice.csv")


def test_published_with_following_moves_exactly_what_was_previewed(o: Office) -> None:
    ref = o.claimed()
    old = clocks(o, ref)
    page = upload(o, STOPPED)
    put_in_force(o, page, follow="yes")
    new = clocks(o, ref)
    assert new["first_touch"] == old["first_touch"] and new["response"][1] == old["response"][1]
    assert new["resolution"][1] > old["resolution"][1]
    assert f"{new['resolution'][1].astimezone(clock.SHANGHAI):%m-%d %H:%M}" in page
    assert equal(o, ref) and "工作日历第" in o.get(f"{ref.url}/clocks")
    with o.work():
        rebase.follow_calendar()
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SlaRebase)) == 1, "once per version"


def test_a_promise_that_the_new_calendar_cannot_count_keeps_its_terms_and_is_said(o: Office) -> None:
    """Days lost at the end of the loaded year push the deadline beyond it: refused, never guessed."""
    with clock.frozen(MONDAY + 23 * DAY):  # 16 December; eighty working hours end on the 30th
        ref = o.report()
        old = clocks(o, ref)
        lost = "day,is_working,name\n" + "".join(f"2026-12-{day},0,停电\n" for day in (28, 29, 30, 31))
        page = upload(o, lost)
        assert "无法计算" in page and ref.number in page
        put_in_force(o, page, follow="yes")
        assert clocks(o, ref) == old and equal(o, ref)
        with o.work():
            row = db.session.scalars(sa.select(SlaRebase)).one()
            assert (row.touched, row.failed) == (0, 1)
