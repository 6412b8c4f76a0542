"""Sentences of reference/dispatch.md 3 that no other file shows: 15 (merge, parent, repeat), 16 (views), 18 (delivery)."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import clock, outbox
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.core.outbox.channel import Delivery, Outgoing
from app.core.outbox.delivery import deliver
from app.core.web import Portal
from app.core.worklist import SavedView
from app.customers import service as customers
from app.tickets import service
from app.tickets.models import SlaClock, TicketEvent, TicketFile
from app.tickets.service import Seen
from app.tickets.workflow import Status
from tests.features.registrations.story import photo
from tests.features.tickets.pages import Office, Ref, office
from tests.features.tickets.people import DAY, HOUR, MONDAY

OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}


@pytest.fixture
def o(app: Portal) -> Iterator[Office]:
    with clock.frozen(MONDAY):
        yield office(app)


def merge(o: Office, ref: Ref, into: Ref, who: str = "triager") -> int:
    data = {"target": into.number, "reason": "same_fault", "version": o.read(ref).version}
    return int(o.post(f"{ref.url}/act/merge", data, who).status_code)


def count(o: Office, what: type, *where: object) -> int:
    with o.work():
        return db.session.scalar(sa.select(sa.func.count()).select_from(what).where(*where)) or 0  # type: ignore[arg-type]


def test_15_merging_keeps_attachments_audit_and_clocks(o: Office) -> None:
    with clock.frozen(MONDAY - HOUR):
        old = o.report("漏水", photos=[photo(), photo()])
    new = o.report("同一台又漏水")
    before = [count(o, what, what.ticket_id == old.id) for what in (TicketFile, TicketEvent)]  # type: ignore[attr-defined]
    audited = count(o, AuditEvent, AuditEvent.object_id == str(old.id))
    assert merge(o, old, new) == 303
    after = [count(o, what, what.ticket_id == old.id) for what in (TicketFile, TicketEvent)]  # type: ignore[attr-defined]
    assert after == [before[0], before[1] + 1] and before[0] == 2
    assert count(o, AuditEvent, AuditEvent.object_id == str(old.id)) == audited + 1
    with o.work():
        runs = sa.select(SlaClock.started_at).where(SlaClock.ticket_id == new.id)
        assert db.session.scalars(runs.where(SlaClock.metric == "resolution")).one() == MONDAY - HOUR  # the earlier
        assert db.session.scalars(sa.select(SlaClock).where(SlaClock.ticket_id == old.id)).all()


def test_15_what_a_merged_ticket_brought_opens_for_whoever_works_on_the_other(o: Office) -> None:
    old, new = o.report("漏水", photos=[photo()]), o.report("同一台又漏水")
    with o.work():
        url = f"{old.url}/photos/{db.session.scalars(sa.select(TicketFile.id)).one()}"
    assert merge(o, old, new) == 303
    page = o.get(new.url)
    assert "并入这一张的" in page and old.number in page
    assert o.client().get(url, headers=OWN).status_code == 403
    version = o.read(new).version
    with o.work():
        service.claim(o.people["triager"], new.id, Seen(version))
    assert o.client().get(url, headers=OWN).status_code == 200
    assert o.client("colleague").get(url, headers=OWN).status_code == 403
    assert o.client("shanghai").get(url, headers=OWN).status_code == 404


def test_15_no_cycles_however_long_the_chain(o: Office) -> None:
    refs = [o.report(f"漏水 {n}") for n in range(4)]
    for one, other in itertools.pairwise(refs):
        assert merge(o, one, other) == 303
    assert merge(o, refs[-1], refs[0]) == 422
    assert merge(o, refs[-1], refs[-1]) == 422
    assert [o.read(ref).status for ref in refs] == [Status.MERGED] * 3 + [Status.SUBMITTED]


def test_15_a_repeat_names_the_ticket_before_it_once_reopening_is_over(o: Office) -> None:
    with clock.frozen(MONDAY - 40 * DAY):
        old, elsewhere = o.report("漏水", serial="7654321"), o.report("图像", serial="1111111")
        for ref in (old, elsewhere):
            with o.work():
                service.cancel_own(o.customer, ref.number)
    new = o.report("又漏水", serial="7654321")
    for number in ("TKT-19990101-0001", elsewhere.number, new.number, ""):
        answer = o.post(f"{new.url}/act/repeat", {"target": number})
        assert answer.status_code == 422, number
        assert number in answer.get_data(as_text=True)
    assert o.post(f"{new.url}/act/repeat", {"target": old.number.lower()}).status_code == 303
    page = o.get(new.url)
    assert "同一故障的前一张" in page and f'href="{old.url}"' in page
    assert o.post(f"{old.url}/act/repeat", {"target": new.number}).status_code == 422  # no ring


def test_16_a_saved_view_is_an_address_and_shared_by_role(o: Office) -> None:
    leak, _other = o.report("漏水", serial="111"), o.report("图像", serial="222")
    data = {"query": "tab=all&serial=111&after=zzz", "name": "这一台", "share_with": "triager"}
    saved = o.post("/lists/tickets/views", data, "lead")
    assert (saved.status_code, saved.headers["Location"]) == (303, "/tickets?tab=all&serial=111")
    seen = o.get("/lists/tickets/views", "colleague")
    assert "这一台" in seen and 'href="/tickets?tab=all&amp;serial=111"' in seen
    assert "这一台" not in o.get("/lists/tickets/views", "reader")  # of another role
    page = o.get("/tickets?tab=all&serial=111", "colleague")
    assert page.count("data-row ") == 1 and leak.number in page
    assert count(o, SavedView) == 1


def test_16_filters_survive_opening_a_ticket_and_going_back(o: Office) -> None:
    """The list's address holds everything: what a browser goes back to is the list as it was, and its links too."""
    o.report("漏水", serial="111")
    o.report("图像", serial="222")
    address = "/tickets?tab=all&serial=111&sort=-opened"
    first = o.get(address)
    row = first.split("data-row ")[1]
    o.get(row.split('href="')[1].split('"')[0])
    again = o.get(address)
    assert again.split("<tbody")[1].split("</tbody>")[0] == first.split("<tbody")[1].split("</tbody>")[0]
    assert 'value="111"' in again and "aria-sort" in again


def test_16_export_gives_exactly_the_filtered_rows(o: Office) -> None:
    wanted = {o.report(f"漏水 {n}", serial=f"111{n}").number for n in range(3)}
    o.report("图像", serial="222")
    answer = o.post("/lists/tickets/export", {"query": "tab=all&serial=111", "format": "csv", "columns": "all"}, "lead")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert {row[0] for row in rows[1:]} == wanted
    assert o.post("/lists/tickets/export", {"query": "tab=all", "format": "csv", "columns": "all"}).status_code == 403


class Refusing:
    """The edge of the network: WeChat says no, as it does to somebody who no longer subscribes; SMS reaches nobody."""

    idempotent = True
    remembers = outbox.FOR_GOOD

    def __init__(self, name: str, code: str, tried: list[str]) -> None:
        self.name, self._code, self._tried = name, code, tried

    def send(self, message: Outgoing) -> Delivery:
        self._tried.append(f"{self.name}:{message.template}")
        return Delivery.fallback(self._code)


def test_18_every_message_has_template_channel_and_result_and_a_wechat_refusal_falls_back_to_a_call_task(
    o: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    codes = {"wechat_template": "not_following", "wechat_subscribe": "wechat_43101", "sms": "sms_unreachable"}
    edge = {name: Refusing(name, code, tried) for name, code in codes.items()}
    monkeypatch.setattr("app.core.outbox.delivery.channel", edge.get)
    person = outbox.Recipient(
        subject_id=None, addresses={"wechat_template": "o-1", "wechat_subscribe": "o-2", "sms": "+8613800000017"}
    )
    monkeypatch.setattr(customers, "recipient", lambda _id: person)
    ref = o.report()
    assert o.post(f"{ref.url}/say", {"to": "customer", "text": "请问能否重现？"}).status_code == 303
    with o.work():
        message = db.session.scalars(sa.select(Message)).one()
        assert (message.template, message.channel, message.state) == ("ticket_message", "wechat_template", "waiting")
        message_id = message.id
    for _attempt in range(3):
        with o.app.app_context():
            deliver({"message": str(message_id)})
    assert tried == [f"{name}:ticket_message" for name in codes]
    with o.work():
        message = db.session.get_one(Message, message_id)
        assert (message.channel, message.state, message.error_code) == (
            "sms", MessageState.FAILED, "sms_unreachable",
        )  # fmt: skip
        key = message.dedupe_key
    page = o.get(ref.url)
    assert "没有送达，打电话" in page
    assert o.post(f"{ref.url}/act/called", {"about": key, "text": "已电话告知"}).status_code == 303
    assert "没有送达，打电话" not in o.get(ref.url)
