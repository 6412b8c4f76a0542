"""What staff do to one person: reveal with a reason, end sign-ins, freeze and release; and everybody it is refused to."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, keys
from app.core.audit import AuditEvent, AuditNote
from app.core.db import db, new_id
from app.core.errors import Conflict, TooManyRequests
from app.customers import service
from app.customers.models import Customer, CustomerToken
from app.customers.reasons import FreezeReason, ReleaseReason
from app.customers.service.access import REVEAL_LIMITS
from app.staff.models import StaffAccount
from tests.factories import staff
from tests.features.customers import people
from tests.features.customers.people import events, post

NUMBER, WHOLE = "+8613800004321", "138 0000 4321"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def person(work) -> uuid.UUID:
    with work():
        return people.verified(people.hospital(), NUMBER).id


@pytest.fixture
def triager(app):
    return staff.signed_in(app, "triager")


def reveal(client, person: uuid.UUID, what: str = "phone", **data: str):
    return post(client, f"/customers/{person}/reveal/{what}", f"/customers/{person}/ask/{what}", **data)


def recorded(app) -> list[tuple[str, str | None, list[str]]]:
    with app.app_context():
        return [(e.object_id, e.reason_code, e.fields) for e in events("customer.revealed")]


def test_c04_a_reveal_is_a_post_with_a_reason_and_leaves_a_row(app, person, triager):
    page = f"/customers/{person}"
    assert WHOLE not in triager.get(page).get_data(as_text=True)
    answer = reveal(triager, person, reason="call_back", note="15:20 来电")
    assert answer.status_code == 200
    assert WHOLE in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Refresh"] == f"60; url={page}"
    assert recorded(app) == [(str(person), "call_back", ["phone"])]
    assert WHOLE not in triager.get(page).get_data(as_text=True)
    assert "显示了完整信息：手机号" in triager.get(page).get_data(as_text=True)


def test_c04_the_note_is_kept_encrypted_beside_the_log(app, person, triager):
    reveal(triager, person, reason="other", note="核对维修地址")
    with app.app_context():
        (event,) = events("customer.revealed")
        note = db.session.scalars(sa.select(AuditNote).where(AuditNote.event_id == event.id)).one()
        assert "核对维修地址".encode() not in note.sealed
        assert "核对维修地址".encode() in keys.open("audit_note.sealed", note.id, note.sealed)


@pytest.mark.parametrize(
    "data, words",
    [
        ({}, "请选择原因"), ({"reason": ""}, "请选择原因"), ({"reason": "curious"}, "原因"),
        ({"reason": "call_back", "note": "长" * 2_000}, "说明最多 200 个字"),
        ({"reason": "other"}, "请填写说明"), ({"reason": "other", "note": "   "}, "请填写说明"),
    ],
)  # fmt: skip
def test_c04_no_reason_no_value(app, person, triager, data, words):
    answer = reveal(triager, person, **data)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in text
    assert WHOLE not in text
    assert data.get("note", "").strip() in text  # what was typed is kept
    assert recorded(app) == []


def test_as_a_fragment_it_carries_its_seconds_and_its_mask(app, person, triager):
    app.config["WTF_CSRF_ENABLED"] = False
    answer = triager.post(f"/customers/{person}/reveal/phone", data={"reason": "call_back"}, headers=HTMX)
    refused = triager.post(f"/customers/{person}/reveal/phone", data={}, headers=HTMX)
    text = answer.get_data(as_text=True)
    assert WHOLE in text
    assert 'data-vanish="60"' in text
    assert 'data-mask="138****4321"' in text
    assert "Refresh" not in answer.headers
    assert refused.status_code == 422
    assert 'hx-post="' in refused.get_data(as_text=True)


def test_twice_is_two_rows(app, person, triager):
    reveal(triager, person, reason="call_back")
    reveal(triager, person, reason="repair_contact")
    assert [code for _id, code, _fields in recorded(app)] == ["call_back", "repair_contact"]


def test_by_get_and_with_a_stale_token_nothing_is_shown(app, person, triager):
    assert triager.get(f"/customers/{person}/reveal/phone").status_code == 405
    stale = staff.csrf(staff.signed_in(app, "triager"))
    for token in ("", "x", stale):
        answer = triager.post(f"/customers/{person}/reveal/phone", data={"csrf_token": token, "reason": "call_back"})
        assert answer.status_code == 400
        assert WHOLE not in answer.get_data(as_text=True)
    assert recorded(app) == []


def test_a_closed_account_and_an_erased_person_are_gone(app, work, person, triager):
    with work():
        row = db.session.get_one(Customer, person)
        row.closed_at, subject = clock.now(), row.subject_id
    assert reveal(triager, person, reason="call_back").status_code == 410
    with work():
        db.session.get_one(Customer, person).closed_at = None
    with app.app_context():
        keys.keystore.destroy([subject])
    assert reveal(triager, person, reason="call_back").status_code == 410
    assert reveal(triager, person, "name", reason="call_back").status_code == 410
    assert recorded(app) == []


def test_out_of_scope_is_404_and_without_the_right_403(app, person):
    app.config["WTF_CSRF_ENABLED"] = False
    elsewhere = staff.signed_in(app, ("triager", ["44"], False))
    no_right = staff.signed_in(app, "grant_manager")
    for path in ("reveal/phone", "reveal/name", "sessions/end", f"sessions/{new_id()}/end", "freeze", "release"):
        url = f"/customers/{person}/{path}"
        wanted = 403 if path in ("freeze", "release") else 404  # freezing is the lead's right
        assert elsewhere.post(url, data={"reason": "person_asked"}).status_code in (wanted, 404), path
        assert no_right.post(url, data={"reason": "call_back"}).status_code == 403, path
    assert elsewhere.post(f"/customers/{person}/reveal/phone", data={"reason": "call_back"}).status_code == 404
    assert recorded(app) == []


def test_a_bounded_reveal_beside_an_unbounded_read_reaches_only_its_provinces(app, person):
    both = staff.signed_in(app, ("grant_manager", None, False), ("triager", ["44"], False))
    assert both.get(f"/customers/{person}").status_code == 200
    assert both.get(f"/customers/{person}/ask/phone").status_code == 404


def test_nobody_opens_his_own_record(app, work, person):
    actor = staff.member(app, "privacy_officer")
    with work():
        db.session.get_one(StaffAccount, actor.id).phone = NUMBER
    client = staff.client_of(app, actor.id)
    for path in ("", "/drawer", "/ask/phone", "/sessions/end", "/freeze"):
        answer = client.get(f"/customers/{person}{path}")
        assert answer.status_code == 403, path
        assert "本人的档案" in answer.get_data(as_text=True)
    assert WHOLE not in client.get("/customers").get_data(as_text=True)


def test_reveals_of_one_person_are_throttled_and_a_colleague_is_not(app, work, person):
    actor, colleague = staff.member(app, "triager"), staff.member(app, "triager")
    client = staff.client_of(app, actor.id)
    limit = REVEAL_LIMITS[0][0]
    with app.app_context():
        for _n in range(limit):
            service.throttle_reveals(actor)
        with pytest.raises(TooManyRequests):
            service.throttle_reveals(actor)
        service.throttle_reveals(colleague)
    answer = reveal(client, person, reason="call_back")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert WHOLE not in answer.get_data(as_text=True)
    assert recorded(app) == []
    with clock.advanced(timedelta(hours=1, seconds=1)):
        assert reveal(staff.client_of(app, actor.id), person, reason="call_back").status_code == 200


# sign-ins


@pytest.fixture
def tokens(work, person) -> list[uuid.UUID]:
    with work():
        row = db.session.get_one(Customer, person)
        return [people.signed_in(row, device, token).id for device, token in (("WeChat · iPhone", "a"), ("", "b"))]


def answers(app, token: str) -> int:
    return app.test_client().get("/api/v1/me", headers=people.bearer(token)).status_code


def end(client, person, token_id, **data: str):
    url = f"/customers/{person}/sessions/{token_id}/end" if token_id else f"/customers/{person}/sessions/end"
    return post(client, url, url, **data)


def test_ending_one_sign_in_is_felt_by_its_next_call_and_by_no_other(app, person, tokens, triager):
    page = triager.get(f"/customers/{person}").get_data(as_text=True)
    assert "WeChat · iPhone" in page
    assert "未知设备" in page
    assert answers(app, "a") == answers(app, "b") == 200
    answer = end(triager, person, tokens[0], reason="device_lost")
    assert answer.status_code == 303
    assert (answers(app, "a"), answers(app, "b")) == (401, 200)
    page = triager.get(f"/customers/{person}").get_data(as_text=True)
    assert "WeChat · iPhone" not in page.split('id="sessions"')[1].split("</section>")[0]
    assert "手机丢失或换机" in page
    with app.app_context():
        assert [e.reason_code for e in events("customer_session.ended")] == ["device_lost"]


def test_ending_all(app, person, tokens, triager):
    assert end(triager, person, None, reason="person_asked").status_code == 303
    assert (answers(app, "a"), answers(app, "b")) == (401, 401)
    assert "现在没有登录" in triager.get(f"/customers/{person}").get_data(as_text=True)


def test_ending_without_a_reason_ends_nothing(app, person, tokens, triager):
    assert end(triager, person, tokens[0], note="没有原因").status_code == 422
    assert end(triager, person, None, reason="bored").status_code == 422
    assert answers(app, "a") == 200


def test_two_staff_ending_the_same_sign_in_leave_one_event(app, person, tokens, triager):
    other = staff.signed_in(app, "triager")
    first, second = (end(client, person, tokens[0], reason="suspicious") for client in (triager, other))
    assert first.status_code == second.status_code == 303
    assert "之前已经结束" in other.get(f"/customers/{person}").get_data(as_text=True)
    with app.app_context():
        assert len(events("customer_session.ended")) == 1


def test_a_sign_in_of_somebody_else_in_the_address_is_404(app, work, person, tokens, triager):
    with work():
        other = people.stranger()
        theirs, other_id = people.signed_in(other, token="c").id, other.id
    url = f"/customers/{person}/sessions/{theirs}/end"
    answer = post(triager, url, f"/customers/{person}/sessions/{tokens[0]}/end", reason="suspicious")
    assert answer.status_code == 404
    assert answers(app, "c") == 200
    assert triager.get(f"/customers/{other_id}").status_code == 200


# freezing


@pytest.fixture
def lead(app):
    return staff.signed_in(app, ("triager", None, True))


def test_freezing_ends_every_sign_in_and_releasing_opens_the_way_again(app, work, person, tokens, lead):
    url = f"/customers/{person}"
    with work():
        db.session.get_one(Customer, person).name_failures = 1
    assert post(lead, f"{url}/freeze", f"{url}/freeze", reason="suspicious").status_code == 303
    assert answers(app, "a") == 401
    page = lead.get(url).get_data(as_text=True)
    assert "账号已冻结" in page
    assert post(lead, f"{url}/release", f"{url}/release", reason="identity_confirmed").status_code == 303
    with app.app_context():
        row = db.session.get_one(Customer, person)
        assert row.frozen_at is None
        assert row.name_failures == 0
        codes = [e.reason_code for name in ("customer.frozen", "customer.released") for e in events(name)]
        assert codes == ["suspicious", "identity_confirmed"]
    assert answers(app, "a") == 401


def test_freezing_twice_and_releasing_what_is_free_is_a_conflict(app, work, person):
    actor = staff.member(app, "privacy_officer")
    with pytest.raises(Conflict), work():
        service.release_account(actor, person, ReleaseReason.FROZEN_BY_MISTAKE)
    with work():
        service.freeze_account(actor, person, FreezeReason.SUSPICIOUS)
    with pytest.raises(Conflict), work():
        service.freeze_account(actor, person, FreezeReason.SUSPICIOUS)
    with app.app_context():
        assert len(events("customer.frozen")) == 1


def test_a_closed_account_offers_no_act(app, work, person, tokens, lead):
    with work():
        db.session.get_one(Customer, person).closed_at = clock.now()
    page = lead.get(f"/customers/{person}").get_data(as_text=True)
    for path in ("/ask/", "/freeze", "/release", "/sessions/"):
        assert f"{person}{path}" not in page
    assert "138****4321" in page


def test_no_event_of_these_acts_holds_personal_data(app, person, tokens, lead):
    reveal(lead, person, reason="call_back", note="x")
    end(lead, person, None, reason="person_asked")
    with app.app_context():
        for event in db.session.scalars(sa.select(AuditEvent)):
            whole = " ".join(str(getattr(event, column.key)) for column in sa.inspect(AuditEvent).columns)
            assert NUMBER.removeprefix("+86") not in whole
            assert "冯" not in whole
        assert db.session.scalar(sa.select(sa.func.count()).where(CustomerToken.ended_at.is_(None))) == 0
