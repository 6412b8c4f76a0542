"""Claims: exactly one gets a case, oldest due first, within scope and limit; a closed browser strands nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.unit_of_work import unit_of_work
from app.registrations import service
from app.registrations.service import Entered
from tests.features.registrations.story import ALL_SEEN, MONDAY, NOTE, reload, reviewer, seen, take


def test_parallel_claims_never_share_a_case(portal, step, story):
    """Eight sessions at once over five cases: five get one each, three get nothing."""
    with step():
        numbers = {story.case().number for _ in range(5)}
    got: list[str | None] = []
    gate = threading.Barrier(8)

    def session() -> None:
        with portal.app_context(), clock.frozen(MONDAY):
            gate.wait()
            with unit_of_work():
                claimed = service.claim_next(reviewer())
                got.append(claimed[0].number if claimed else None)

    threads = [threading.Thread(target=session) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [number for number in got if number]
    assert len(got) == 8
    assert set(taken) == numbers
    assert len(taken) == 5


def test_parallel_decisions_on_one_lease_count_once(portal, step, story):
    me = reviewer()
    with step():
        row = story.case()
        row_id, page = row.id, take(me, row)
    done: list[str] = []
    gate = threading.Barrier(4)

    def session() -> None:
        with portal.app_context(), clock.frozen(MONDAY):
            gate.wait()
            try:
                with unit_of_work():
                    service.approve(me, row_id, page, Entered(checks=ALL_SEEN))
                done.append("approved")
            except Conflict as refusal:
                done.append(refusal.code)

    threads = [threading.Thread(target=session) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["already_decided"] * 3 + ["approved"]


def test_the_oldest_due_comes_first(work, story):
    with work(MONDAY + timedelta(hours=1)):
        late = story.case()
    with work():
        early = story.case()
    with work(MONDAY + timedelta(hours=2)):
        me = reviewer()
        assert [service.claim_next(me)[0].id for _ in range(2)] == [early.id, late.id]
        assert service.claim_next(me) is None


def test_three_open_cases_are_the_limit(work, story):
    me = reviewer()
    with work():
        for _ in range(4):
            story.case()
        for _ in range(3):
            assert service.claim_next(me) is not None
        with pytest.raises(Conflict) as refusal:
            service.claim_next(me)
        assert refusal.value.code == "lease_limit"
    with work(MONDAY + timedelta(minutes=15)):
        assert service.claim_next(me) is not None


def test_scope_holds_for_claims(work, story):
    elsewhere, here = reviewer(provinces=frozenset({"44"})), reviewer(provinces=frozenset({"31"}))
    with work():
        row = story.case()
        unmapped = story.case(hospital_id=None, hospital_name="未知医院", department_id=None, department_name="内科")
        assert service.claim_next(elsewhere) is None
        with pytest.raises(NotFound):
            service.claim(elsewhere, row.id)
        with pytest.raises(NotFound):
            service.claim(here, unmapped.id)
        assert service.claim_next(here)[0].id == row.id
        assert service.claim_next(here) is None


def test_a_dead_browser_frees_the_case(work, story):
    with work():
        row = story.case()
        take(reviewer(), row)
    with work(MONDAY + timedelta(minutes=14, seconds=59)):
        assert service.claim_next(reviewer("审核乙")) is None
    with work(MONDAY + timedelta(minutes=15)):
        take(reviewer("审核乙"), row)


def test_renewal_prolongs_a_live_lease_only(work, story):
    me = reviewer()
    with work():
        row = story.case()
        page = take(me, row)
    with work(MONDAY + timedelta(minutes=10)):
        assert service.renew_lease(me, row.id, page.lease_token) == MONDAY + timedelta(minutes=25)
    with work(MONDAY + timedelta(minutes=25)), pytest.raises(Conflict):
        service.renew_lease(me, row.id, page.lease_token)


def test_handing_back_keeps_the_draft_and_passes_to_another(work, story):
    me, entered = reviewer(), Entered({"name": "seen"}, ("photo_glare",), "请重拍", "第二行看不清")
    with work():
        row, other = story.case(), None
        page = take(me, row)
        service.hand_back(me, row.id, page.lease_token, entered)
        assert reload(row.id).lease_staff_id is None
        assert row.lease_nonce is None
        other = story.case()
        claimed = service.claim_next(me)
        assert claimed[0].id == other.id
    with work():
        again = service.claim_next(me)
        assert again[0].id == row.id, "nothing else waits, so it may come back"
        assert service.draft_of(me, again[0]) == entered
        assert service.draft_of(reviewer("审核乙"), again[0]) is None
        with pytest.raises(Conflict):
            service.hand_back(me, row.id, page.lease_token, entered)


def test_reviewers_take_next_and_leads_pick(work, story):
    me, lead = reviewer(), reviewer("组长", lead=True)
    with work():
        row = story.case()
        with pytest.raises(Forbidden) as refusal:
            service.claim(me, row.id)
        assert refusal.value.code == "take_next"
        assert service.claim(lead, row.id)[0].lease_name == "组长"
        with pytest.raises(Conflict) as refusal:
            service.claim(reviewer("组长乙", lead=True), row.id)
        assert (refusal.value.code, refusal.value.who) == ("claimed_by_other", "组长")


def test_a_hold_that_is_over_is_taken_as_pending(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.hold(me, row.id, take(me, row), NOTE, until=(MONDAY + timedelta(days=1)).date())
    with work(MONDAY + timedelta(hours=20)):
        assert service.claim_next(me) is None
    with work(MONDAY + timedelta(days=1)):
        claimed = service.claim_next(me)
        assert (claimed[0].id, claimed[0].status) == (row.id, "pending")


def test_disabling_an_account_lets_go_of_its_cases(work, story):
    me = reviewer()
    with work():
        row = story.case()
        take(me, row)
        assert service.release_all_of(reviewer("管理员"), me.id) == 1
        take(reviewer("审核乙"), row)


def test_a_stale_page_loses_against_the_next_claim(work, story):
    """The same person, the same case, claimed anew: the old page's token is worth nothing."""
    me = reviewer()
    with work():
        row = story.case()
        old = take(me, row)
    with work(MONDAY + timedelta(minutes=20)):
        new = seen(*service.claim(me, row.id))
        assert new.lease_token != old.lease_token
        with pytest.raises(Conflict):
            service.approve(me, row.id, old, Entered(checks=ALL_SEEN))
        service.approve(me, row.id, new, Entered(checks=ALL_SEEN))
