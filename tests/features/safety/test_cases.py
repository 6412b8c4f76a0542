"""Item 7 of the issue: a "yes" opens a confidential case with calendar clocks, decided, handed over and closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.safety import service
from app.safety.models import SafetyCase, SafetyClock, SafetyEvent
from app.safety.service import warn
from app.staff.roles import Role
from app.staff.service import disable, holdings
from app.tickets.facts import Harm
from app.tickets.service import triage
from tests.features.safety.desk import (
    WORDS,
    act,
    case,
    clocks,
    decided,
    events,
    handover,
    harmed,
    judged,
    look,
    safety_office,
    typed,
)
from tests.features.tickets.pages import Office
from tests.features.tickets.people import DAY, HOUR, MONDAY, staff


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield safety_office(app)


def messages(o: Office, template: str = "restricted_notice") -> list[Message]:
    with o.app.app_context(), unit_of_work(write=False):
        found = list(db.session.scalars(sa.select(Message).where(Message.template == template)))
        for one in found:
            assert one.params  # opened here, where the keys are
            db.session.expunge(one)
        return found


def test_a_yes_opens_one_confidential_case_holds_the_ticket_and_tells_the_safety_role(o: Office) -> None:
    ref = harmed(o)
    row = case(o, ref)
    assert row is not None and row.number.startswith("SAF-")
    assert (row.status, row.kind, row.how, row.aware_at) == ("open", "", "mini_program", MONDAY)
    assert o.read(ref).safety_hold
    told = {one.staff_id for one in messages(o)}
    assert told == {o.people[who].id for who in ("officer", "second")}  # the third works for another province


@pytest.mark.parametrize("answer", [Harm.YES, Harm.POSSIBLE])
def test_possible_counts_as_yes_and_no_opens_nothing(o: Office, answer: Harm) -> None:
    assert case(o, harmed(o, answer)) is not None
    assert case(o, harmed(o, Harm.NO, fault="别的故障")) is None


def test_it_opens_once_per_ticket_from_triage_however_often_the_answer_is_saved(o: Office) -> None:
    ref = o.claimed()
    for answer in ("possible", "yes", "no", "yes"):
        o.complete(ref, harm=answer)
    with o.work():
        triage.finish(o.people["triager"], ref.id, triage.Seen(2))
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SafetyCase)) == 1
        assert db.session.scalars(sa.select(SafetyEvent.action)).all() == ["open_case"]
    row = case(o, ref)
    assert row is not None and row.how == "triage"


def test_a_phone_call_says_so_in_the_case(o: Office) -> None:
    ref = harmed(o, customer=o.people["triager"])
    row = case(o, ref)
    assert row is not None and row.how == "phone"


def test_a_crash_after_the_answer_leaves_neither_answer_nor_case(o: Office) -> None:
    ref = o.claimed()
    with pytest.raises(RuntimeError), o.work():
        triage.note_down(o.people["triager"], ref.id, {"harm": "yes"})
        raise RuntimeError("power cut")
    assert case(o, ref) is None and o.read(ref).harm == "" and not o.read(ref).safety_hold
    assert messages(o) == []


def test_a_colleague_who_learns_of_it_later_passes_it_on_and_learns_nothing_back(o: Office) -> None:
    ref = o.report()
    first = o.post(f"{ref.url}/harm", {"harm": "yes", "text": WORDS}, "reader")
    again = o.post(f"{ref.url}/harm", {"harm": "possible", "text": "护士又来电"}, "triager")
    assert (first.status_code, first.headers["Location"]) == (again.status_code, again.headers["Location"])
    assert events(o, ref) == ["open_case", "hear_again"]
    assert o.read(ref).harm == "yes"  # a yes is not weakened
    assert WORDS not in o.get(ref.url) and "SAF-" not in o.get(ref.url)
    assert WORDS in look(o, ref)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"harm": "no", "text": "x"}, "请选择一项"),
        ({"text": "x"}, "请选择一项"),
        ({"harm": "yes", "text": " "}, "请写明谁告诉您"),
        ({"harm": "yes", "text": "伤" * 2001}, "最多 2000 个字"),
    ],
)
def test_passing_on_badly_is_refused_and_loses_nothing(o: Office, data: dict[str, str], wrong: str) -> None:
    ref = o.report()
    answer = o.post(f"{ref.url}/harm", data)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert wrong in page and data["text"].strip() in page
    assert case(o, ref) is None


def test_clocks_count_calendar_time_from_awareness_by_the_kind_of_harm(o: Office) -> None:
    expected = {
        "death": {"report": 7 * DAY},
        "serious": {"report": 20 * DAY},
        "group": {"first": 12 * HOUR, "follow_up": DAY, "report": 7 * DAY},
        "other": {},
    }
    for kind, limits in expected.items():
        ref = harmed(o, fault=f"故障 {kind}")
        assert {s: d - MONDAY for s, (d, _o) in clocks(o, ref).items()} == {"judge": DAY, "report": 7 * DAY}
        judged(o, ref, kind)
        running = {s: d - MONDAY for s, (d, out) in clocks(o, ref).items() if not out}
        assert running == limits, kind


def test_knowledge_may_grow_worse_and_clocks_are_reckoned_anew_from_the_same_awareness(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "serious")
    decided(o, ref)
    assert act(o, ref, "handover", **handover()).status_code == 303
    with clock.frozen(MONDAY + 5 * DAY):
        judged(o, ref, "death")
        row = case(o, ref)
        assert row is not None and row.status == "reportable"  # handed over before, due again
        assert row.next_due_at == MONDAY + 7 * DAY
        page = look(o, ref)
    assert "已被替代的时限 1 项" in page  # of the time before it was judged; the serious one was met
    assert act(o, ref, "judge", kind="serious", text="看轻了").status_code == 422
    assert act(o, ref, "judge", kind="nonsense", text="x").status_code == 422
    assert act(o, ref, "judge", kind="group", text=" ").status_code == 422


def test_limits_are_numbers_on_settings_that_can_be_made_stricter_only(o: Office) -> None:
    admin = o.people["admin"] = _member(o, "admin")
    assert admin.id
    page = o.get("/settings", "admin")
    assert "依据须由法规事务确认" in page
    assert o.post("/settings/numbers/safety_death_days", {"value": "8"}, "admin").status_code == 422
    assert o.post("/settings/numbers/safety_death_days", {"value": "0"}, "admin").status_code == 422
    assert o.post("/settings/numbers/safety_death_days", {"value": "5"}, "admin").status_code == 303
    ref = harmed(o)
    judged(o, ref, "death")
    assert clocks(o, ref)["report"][0] == MONDAY + 5 * DAY
    assert "须由法规事务确认" in look(o, ref)


def _member(o: Office, role: str):  # type: ignore[no-untyped-def]
    from tests.factories import staff

    return staff.member(o.app, role)


def test_the_decision_has_a_reason_and_a_name_and_no_stops_every_clock(o: Office) -> None:
    ref = harmed(o)
    assert act(o, ref, "decide", report="yes", reason="not_excluded", text="x").status_code == 409  # judge first
    judged(o, ref, "serious")
    for bad in (
        {"report": "", "reason": "", "text": "x"},
        {"report": "no", "reason": "", "text": "x"},
        {"report": "no", "reason": "not_excluded", "text": "x"},  # a reason of the other answer
        {"report": "no", "reason": "no_harm", "text": "  "},
    ):
        assert act(o, ref, "decide", **bad).status_code == 422, bad
    decided(o, ref, "no")
    row = case(o, ref)
    assert row is not None
    assert (row.status, row.reportable, row.reason, row.decided_by) == (
        "not_reportable", False, "not_the_device", "安如拟",
    )  # fmt: skip
    assert {s for s, (_d, out) in clocks(o, ref).items() if not out} == set()
    page = look(o, ref)
    assert "与器械无关" in page and "安如拟" in page


def test_a_changed_mind_starts_the_clock_again_from_the_first_awareness(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "death")
    decided(o, ref, "no")
    with clock.frozen(MONDAY + 8 * DAY):
        decided(o, ref, "yes")
        assert clocks(o, ref)["report"][0] == MONDAY + 7 * DAY  # late already, and said so
        assert "超时" in look(o, ref)


def test_the_hand_over_says_to_whom_when_and_under_which_reference(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "death")
    decided(o, ref)
    for bad in ({"to_name": ""}, {"reference": ""}, {"step": "judge"}, {"reference": "9" * 61}, {"to_name": "名" * 81},
                {"handed_at": ""}, {"handed_at": typed(MONDAY - HOUR)}, {"handed_at": typed(MONDAY + HOUR)}):  # fmt: skip
        answer = act(o, ref, "handover", **{**handover(), **bad})
        assert answer.status_code == 422, bad
        assert "RA-2026-77" in answer.get_data(as_text=True) or "reference" in bad
    with clock.frozen(MONDAY + 8 * DAY):
        assert act(o, ref, "handover", **handover()).status_code == 303
        page = look(o, ref)
    assert "法若规" in page and "RA-2026-77" in page and "逾期" in page
    assert act(o, ref, "handover", **handover()).status_code == 409  # twice


def test_a_group_event_is_reported_within_hours_before_anything_is_decided(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "group")
    with clock.frozen(MONDAY + 11 * HOUR):
        assert act(o, ref, "handover", **handover(step="first")).status_code == 303
        assert act(o, ref, "handover", **handover(step="first")).status_code == 409
    assert clocks(o, ref)["first"][1] == "in_time"
    with clock.frozen(MONDAY + 25 * HOUR):
        assert act(o, ref, "handover", **handover(step="follow_up")).status_code == 303
    assert clocks(o, ref)["follow_up"][1] == "late"


def test_a_case_ends_with_an_outcome_that_fits_and_lets_the_ticket_go(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "serious")
    assert act(o, ref, "close", outcome="reported", text="x").status_code == 409
    decided(o, ref)
    assert act(o, ref, "handover", **handover()).status_code == 303
    assert act(o, ref, "close", outcome="not_reportable", text="x").status_code == 422
    assert act(o, ref, "close", outcome="reported", text="").status_code == 422
    assert act(o, ref, "close", outcome="reported", text="监管部门已受理").status_code == 303
    row = case(o, ref)
    assert row is not None and (row.status, row.outcome) == ("closed", "reported")
    assert not o.read(ref).safety_hold
    assert act(o, ref, "extend", text="再补").status_code == 409
    assert act(o, ref, "reopen", text="患者去世").status_code == 303
    assert o.read(ref).safety_hold
    assert events(o, ref)[-2:] == ["close_case", "reopen_case"]


def test_the_hold_is_the_safety_roles_alone_and_lifted_only_after_the_decision(o: Office) -> None:
    ref = harmed(o)
    assert act(o, ref, "lift").status_code == 409  # not decided
    judged(o, ref, "other")
    decided(o, ref, "no")
    assert act(o, ref, "hold").status_code == 409  # held already
    for who in ("triager", "lead", "reader"):
        assert act(o, ref, "lift", who).status_code == 404
    assert act(o, ref, "lift").status_code == 303
    assert not o.read(ref).safety_hold
    assert act(o, ref, "hold").status_code == 303
    assert o.read(ref).safety_hold


def test_two_officers_at_once_one_wins_and_the_other_sees_who_and_keeps_his_words(o: Office) -> None:
    ref = harmed(o)
    row = case(o, ref)
    assert row is not None
    assert act(o, ref, "judge", "second", kind="death", text="先判").status_code == 303
    answer = act(o, ref, "judge", version=row.version, kind="serious", text="后判，依据在此")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "全若虚" in page and "后判，依据在此" in page
    after = case(o, ref)
    assert after is not None and after.kind == "death"
    assert events(o, ref) == ["open_case", "judge_kind"]


def test_the_same_button_twice_does_it_once(o: Office) -> None:
    ref = harmed(o)
    row = case(o, ref)
    assert row is not None
    answers = [act(o, ref, "extend", version=row.version, text="一次") for _n in range(2)]
    assert [one.status_code for one in answers] == [303, 409]
    assert events(o, ref) == ["open_case", "add_knowledge"]


def test_a_crash_in_the_middle_of_a_step_leaves_the_case_as_it_was(o: Office) -> None:
    ref = harmed(o)
    row = case(o, ref)
    assert row is not None
    with pytest.raises(RuntimeError), o.work():
        service.judge(o.people["officer"], row.number, service.Seen(1), "group", "x")
        raise RuntimeError("power cut")
    assert events(o, ref) == ["open_case"]
    assert set(clocks(o, ref)) == {"judge", "report"}


def test_the_safety_role_files_what_the_company_knew_before_and_not_twice(o: Office) -> None:
    ref = o.report()
    data = {"ticket": ref.number.lower(), "how": "hospital", "aware_at": typed(MONDAY - 2 * DAY), "text": WORDS}
    for bad in ({"ticket": "TKT-1"}, {"how": "triage"}, {"aware_at": typed(MONDAY + HOUR)}, {"text": ""}):
        answer = o.post("/safety/new", {**data, **bad}, "officer")
        assert answer.status_code == 422, bad
        assert WORDS in answer.get_data(as_text=True) or "text" in bad
    assert o.post("/safety/new", data, "guangdong").status_code == 422  # no such ticket in his provinces
    assert o.post("/safety/new", data, "officer").status_code == 303
    assert clocks(o, ref)["report"][0] == MONDAY + 5 * DAY
    again = o.post("/safety/new", data, "officer")
    assert again.status_code == 409 and WORDS in again.get_data(as_text=True)
    assert events(o, ref) == ["file_case"]


def run(o: Office, at) -> int:  # type: ignore[no-untyped-def]
    with o.app.app_context(), clock.frozen(at), unit_of_work():
        return warn.warn_due(at)


def test_warnings_go_out_at_any_hour_each_level_once_and_say_nothing_of_what_it_is(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "death")
    before = len(messages(o))
    assert run(o, MONDAY + 3 * DAY) == 0
    night = MONDAY + 3.5 * DAY + 13 * HOUR
    assert run(o, night) == 1
    assert run(o, night + timedelta(minutes=1)) == 0
    found = messages(o)[before:]
    assert len(found) == 2
    assert {(one.params or {})["level"] for one in found} == {"50"}
    for one in messages(o):
        assert set(one.params or {}) == {"level", "due"}
    run(o, MONDAY + 12 * DAY)  # three levels passed at once are one message
    assert len(messages(o)) == before + 4
    with o.app.app_context(), unit_of_work(write=False):
        assert db.session.scalars(sa.select(SafetyClock.level).where(SafetyClock.outcome == "")).all() == [150]


def test_a_stopped_clock_warns_of_nothing(o: Office) -> None:
    ref = harmed(o)
    judged(o, ref, "death")
    decided(o, ref, "no")
    before = len(messages(o))
    assert run(o, MONDAY + 30 * DAY) == 0 and len(messages(o)) == before


def test_text_of_a_case_is_sealed_by_a_key_of_its_own_and_no_audit_row_holds_any(o: Office) -> None:
    from app.core.audit import AuditEvent, AuditNote
    from app.core.audit.chain import open_note

    ref = o.report()
    o.post(f"{ref.url}/harm", {"harm": "yes", "text": WORDS})
    look(o, ref)
    with o.app.app_context(), unit_of_work(write=False):
        row = db.session.scalars(sa.select(SafetyCase)).one()
        assert row.subject_id != o.read_subject(ref)
        held = db.session.scalars(sa.select(AuditEvent)).all()
        assert {e.event for e in held} >= {"safety_case.opened", "safety_case.viewed", "ticket.held"}
        assert row.number not in repr([(e.object_id, e.reason_code, e.fields) for e in held])
        assert WORDS not in repr([open_note(n) for n in db.session.scalars(sa.select(AuditNote))])


def test_the_list_costs_a_fixed_number_of_statements_and_sorts_by_the_next_clock(o: Office) -> None:
    first = harmed(o, fault="甲")
    judged(o, first, "serious")
    with o.statements() as few:
        o.get("/safety", "officer")
    for n in range(6):
        harmed(o, fault=f"乙 {n}")
    o.get("/safety", "officer")
    with o.statements() as many:
        page = o.get("/safety", "officer")
    assert len(many) <= len(few) <= 8, (len(few), len(many))
    row = case(o, first)
    assert row is not None
    assert page.count("SAF-") >= 7 and page.rindex(row.number) > page.index("SAF-")


def test_the_case_page_costs_a_fixed_number_of_statements(o: Office) -> None:
    ref = harmed(o)
    look(o, ref)
    with o.statements() as few:
        look(o, ref)
    for n in range(6):
        act(o, ref, "extend", text=f"补充 {n}")
    with o.statements() as many:
        look(o, ref)
    assert len(many) == len(few), many


def test_today_navigation_and_palette_know_it_for_the_safety_role(o: Office) -> None:
    ref = harmed(o)
    row = case(o, ref)
    assert row is not None
    page = o.get("/", "officer")
    assert row.number in page and "/safety" in page
    assert row.number in o.post("/ui/palette", {"q": "saf-2026"}, "officer").get_data(as_text=True)
    assert row.number in o.get(ref.url, "officer")
    assert "SAF-" not in o.post("/ui/palette", {"q": "saf-2026"}).get_data(as_text=True)


def test_an_officer_takes_a_case_a_colleague_takes_it_over_and_a_leaver_leaves_it(o: Office) -> None:
    ref = harmed(o)
    assert case(o, ref).owner_id is None and "还没有人" in look(o, ref)
    assert act(o, ref, "take").status_code == 303
    assert (case(o, ref).owner_name, act(o, ref, "take").status_code) == ("安如拟", 409)
    assert act(o, ref, "take", who="second").status_code == 303
    with o.app.app_context(), unit_of_work():
        admin = staff(Role.ADMIN)
        assert [line.count for line in holdings(admin, o.people["second"].id)] == [1]
        assert disable(admin, o.people["second"].id) == 1
    assert (case(o, ref).owner_id, case(o, ref).owner_name) == (None, "")
