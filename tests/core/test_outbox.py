"""The outbox: written with its cause, delivered once, killed workers, fallbacks, withdrawal, erasure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import audit, clock, jobs, keys, outbox
from app.core.db import db
from app.core.errors import Conflict, Forbidden
from app.core.outbox import Delivery, Message, MessageState, Outgoing, Recipient, delivery, service
from app.core.outbox.channel import _channels
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.mechanism_app import letter, mechanism_app
from tests.core.test_jobs import wait_for

CLERK = Actor("staff", uuid.uuid4(), "示范专员", {Permission.NOTIFICATIONS_RETRY: None})
PHONE = "+8613800001234"


@dataclass
class Scripted:
    """A channel that answers as told and keeps what it was given."""

    name: str
    answers: list[Delivery] = field(default_factory=list)
    idempotent: bool = False
    remembers: timedelta = outbox.FOR_GOOD
    seen: list[Outgoing] = field(default_factory=list)
    in_transaction: list[bool] = field(default_factory=list)

    def send(self, message: Outgoing) -> Delivery:
        self.seen.append(message)
        self.in_transaction.append(db.session().in_transaction())
        return self.answers.pop(0) if self.answers else Delivery.ok("p-1")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with mechanism_app(tmp_path) as opened:
        yield opened


@pytest.fixture
def first(app: Portal) -> Iterator[Scripted]:
    channel = Scripted("first")
    outbox.register_channel("first", channel)
    yield channel
    _channels._entries.pop("first")


@pytest.fixture
def second(app: Portal) -> Iterator[Scripted]:
    channel = Scripted("second")
    outbox.register_channel("second", channel)
    yield channel
    _channels._entries.pop("second")


def send(key: str = "k", **kw: Any) -> uuid.UUID:
    to = kw.pop("to", None) or Recipient({"first": PHONE, "second": "openid-1"})
    with unit_of_work():
        return outbox.send("sample", to=to, params={"code": "123456"}, purpose="login_code", dedupe_key=key, **kw).id


def run(app: Portal) -> int:
    return jobs.run_worker(app, threading.Event(), once=True)


def message(message_id: uuid.UUID) -> Message:
    db.session.remove()
    found = db.session.get(Message, message_id)
    assert found is not None
    return found


def facts(message_id: uuid.UUID) -> tuple[str, str, str | None]:
    found = message(message_id)
    answer = found.state, found.channel, found.error_code
    db.session.rollback()
    return answer


def test_a_message_goes_out_once_after_the_commit(app: Portal, first: Scripted) -> None:
    sent = send()
    assert first.seen == []
    run(app)
    run(app)
    assert [(m.id, m.to, dict(m.params), m.attempt) for m in first.seen] == [(str(sent), PHONE, {"code": "123456"}, 1)]
    assert first.in_transaction == [False]
    found = message(sent)
    assert (found.state, found.provider_id, found.error_code) == (MessageState.SENT, "p-1", None)
    assert found.sent_at is not None


def test_a_message_of_a_transaction_given_up_does_not_exist(app: Portal, first: Scripted) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        outbox.send("sample", to=Recipient({"first": PHONE}), params={}, purpose="login_code", dedupe_key="k")
        raise ZeroDivisionError
    assert run(app) == 0 and first.seen == []


def test_nothing_readable_about_a_person_is_stored(app: Portal, first: Scripted) -> None:
    send()
    for table in ("message", "job"):
        rows = db.session.execute(sa.text(f"select * from {table}")).all()
        assert PHONE not in str(rows) and "123456" not in str(rows)
    db.session.rollback()


def test_the_same_key_twice_is_one_message_and_a_withdrawn_key_is_free(app: Portal, first: Scripted) -> None:
    one = send(not_before=clock.now() + timedelta(minutes=1))
    assert send() == one
    with unit_of_work():
        assert outbox.cancel("k") is True
        assert outbox.cancel("k") is False
    assert message(one).addresses == {}
    other = send()
    assert other != one
    with clock.advanced(timedelta(hours=1)):
        run(app)
    assert [m.id for m in first.seen] == [str(other)]
    with unit_of_work():
        assert outbox.cancel("k") is False  # sent: too late


def test_two_transactions_with_one_key_make_one_message(app: Portal, first: Scripted) -> None:
    found: list[uuid.UUID] = []

    def write() -> None:
        with app.app_context():
            found.append(send("same"))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    run(app)
    assert len(first.seen) == 1


def test_a_message_waits_for_its_time(app: Portal, first: Scripted) -> None:
    send(not_before=clock.now() + timedelta(seconds=60))
    run(app)
    assert first.seen == []
    with clock.advanced(timedelta(seconds=61)):
        run(app)
    assert len(first.seen) == 1


def test_a_retry_comes_later_and_not_before_the_channel_says(app: Portal, first: Scripted) -> None:
    first.answers = [Delivery.retry("busy", timedelta(minutes=30)), Delivery.ok()]
    sent = send()
    run(app)
    assert facts(sent) == ("waiting", "first", "busy")
    with clock.advanced(timedelta(minutes=29)):
        run(app)
    assert len(first.seen) == 1
    with clock.advanced(timedelta(minutes=31)):
        run(app)
    assert facts(sent) == ("sent", "first", None)
    assert [m.attempt for m in first.seen] == [1, 2]


def test_each_fallback_is_tried_once_and_in_order(app: Portal, first: Scripted, second: Scripted) -> None:
    first.answers = [Delivery.fallback("not_following")]
    second.answers = [Delivery.fallback("refused")]
    sent = send()
    run(app)
    run(app)
    assert (len(first.seen), len(second.seen)) == (1, 1)
    assert second.seen[0].to == "openid-1"
    assert facts(sent) == ("failed", "second", "refused")


def test_a_template_gives_the_order_of_channels(app: Portal, first: Scripted, second: Scripted) -> None:
    outbox.register_template("ordered", ("missing", "second", "first"))
    with unit_of_work():
        to = Recipient({"first": PHONE, "second": "openid-1"})
        made = outbox.send("ordered", to=to, params={}, purpose="login_code", dedupe_key="o")
        assert (made.channel, made.fallbacks) == ("second", ["first"])


def test_retries_end_and_then_the_next_channel_is_asked(app: Portal, first: Scripted, second: Scripted) -> None:
    first.answers = [Delivery.retry("busy")] * delivery.MAX_ATTEMPTS
    sent = send()
    for hours in range(delivery.MAX_ATTEMPTS + 1):
        with clock.advanced(timedelta(hours=hours * 3)):
            run(app)
    assert (len(first.seen), len(second.seen)) == (delivery.MAX_ATTEMPTS, 1)
    assert facts(sent)[0] == "sent"


@pytest.mark.parametrize(("answer", "state"), [(Delivery.dead("bad"), "dead"), (Delivery.unknown("lost"), "unknown")])
def test_dead_and_unknown_are_never_repeated_by_themselves(
    app: Portal, first: Scripted, second: Scripted, answer: Delivery, state: str
) -> None:
    first.answers = [answer]
    sent = send()
    for hours in range(3):
        with clock.advanced(timedelta(hours=hours)):
            run(app)
            with unit_of_work():
                delivery.sweep()
            run(app)
    assert (len(first.seen), len(second.seen)) == (1, 0)
    assert facts(sent) == (state, "first", answer.code)


def test_a_channel_that_raises_is_unknown_unless_idempotent(app: Portal, first: Scripted, second: Scripted) -> None:
    first.send = second.send = lambda _message: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    second.idempotent = True
    assert (run_one := send("a"))
    other = send("b", to=Recipient({"second": "openid-1"}))
    run(app)
    assert facts(run_one) == ("unknown", "first", "channel_error")
    assert facts(other) == ("waiting", "second", "channel_error")


def test_a_channel_that_forgets_is_asked_again_only_while_it_remembers(app: Portal, first: Scripted) -> None:
    first.idempotent, first.remembers = True, timedelta(hours=3)
    young, old = send("a"), send("b")
    with unit_of_work():
        assert delivery._claim(young) is not None and delivery._claim(old) is not None
    with clock.advanced(timedelta(hours=2)):
        delivery.deliver({"message": str(young)})
    with clock.advanced(timedelta(hours=3, seconds=1)):
        delivery.deliver({"message": str(old)})
    assert facts(young)[0] == "sent"
    assert facts(old) == ("unknown", "first", "killed_while_sending")
    first.send = lambda _message: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    late = send("c")
    with clock.advanced(timedelta(hours=3, seconds=1)):
        delivery.deliver({"message": str(late)})
    assert facts(late) == ("unknown", "first", "channel_error")


def test_a_message_keeps_which_channels_refused_it(app: Portal, first: Scripted, second: Scripted) -> None:
    first.answers = [Delivery.fallback("not_following")]
    send("a")
    for _n in range(2):
        run(app)
    told = service.told(["a", "unknown key"])
    assert [(key, one.channel, one.state, one.refused_by) for key, one in told.items()] == [
        ("a", "second", "sent", {"first": "not_following"})
    ]
    send("b", not_before=clock.now() + timedelta(hours=1))
    with unit_of_work():
        outbox.cancel("b")
    assert service.told(["b"]) == {}


def test_no_address_at_all_is_shown_as_failed(app: Portal) -> None:
    assert facts(send(to=Recipient({"first": ""}))) == ("failed", "none", "no_address")


def test_a_channel_nobody_registered_gives_way_to_the_next(app: Portal, second: Scripted) -> None:
    sent = send()
    run(app)
    assert facts(sent)[:2] == ("sent", "second")


def test_purposes_are_declared_and_a_refusal_is_audited(app: Portal, first: Scripted) -> None:
    with pytest.raises(ValueError, match="not declared"), unit_of_work():
        outbox.send("sample", to=Recipient({"first": PHONE}), params={}, purpose="gifts", dedupe_key="k")
    outbox.register_purpose("news", lambda to: to.subject_id is not None)
    with unit_of_work():
        made = outbox.send("sample", to=Recipient({"first": PHONE}), params={}, purpose="news", dedupe_key="k").id
    run(app)
    assert first.seen == []
    assert facts(made) == ("cancelled", "first", "purpose_refused")
    assert db.session.scalars(sa.select(audit.AuditEvent.event)).all() == ["message.refused"]


def test_a_persons_messages_are_sealed_by_his_key_and_erased_with_him(app: Portal, first: Scripted) -> None:
    subject = keys.new_subject()
    to = Recipient({"first": PHONE}, subject_id=subject)
    sent = send("a", to=to)
    run(app)
    waiting = send("b", to=to, not_before=clock.now() + timedelta(hours=1))
    assert message(sent).addresses == {"first": PHONE}
    db.session.rollback()
    with unit_of_work():
        assert outbox.purge(subject) == 2
    assert (message(sent).addresses, message(sent).params) == ({}, {})
    assert facts(waiting) == ("cancelled", "first", "erased")
    with clock.advanced(timedelta(hours=2)):
        run(app)
    assert len(first.seen) == 1


def test_a_destroyed_key_withdraws_the_message(app: Portal, first: Scripted) -> None:
    subject = keys.new_subject()
    sent = send(to=Recipient({"first": PHONE}, subject_id=subject))
    keys.keystore.destroy([subject])
    run(app)
    assert facts(sent) == ("cancelled", "first", "erased")


def test_content_is_forgotten_a_month_after_it_was_settled(app: Portal, first: Scripted) -> None:
    sent = send()
    waiting = send("later", not_before=clock.now() + timedelta(days=60))
    run(app)
    with clock.advanced(timedelta(days=31)), unit_of_work():
        assert service.forget() == 1
    assert message(sent).addresses == {}
    assert message(waiting).addresses["first"] == PHONE


def test_a_person_sends_a_stuck_message_again_or_gives_it_up(app: Portal, first: Scripted) -> None:
    first.answers = [Delivery.dead("bad"), Delivery.dead("bad")]
    sent = send()
    run(app)
    with pytest.raises(Forbidden), unit_of_work():
        outbox.retry(Actor("staff"), sent)
    with unit_of_work():
        outbox.retry(CLERK, sent)
    run(app)
    assert len(first.seen) == 2
    with unit_of_work():
        outbox.give_up(CLERK, sent)
    with pytest.raises(Conflict), unit_of_work():
        outbox.retry(CLERK, sent)
    assert db.session.scalars(sa.select(audit.AuditEvent.event).order_by(audit.AuditEvent.seq)).all() == [
        "message.retried",
        "message.given_up",
    ]


def test_a_lost_delivery_job_is_made_up_for(app: Portal, first: Scripted) -> None:
    send()
    with unit_of_work():
        db.session.execute(sa.delete(jobs.Job))
    with clock.advanced(timedelta(minutes=10)):
        with unit_of_work():
            assert delivery.sweep() == 1
        run(app)
    assert len(first.seen) == 1


def killed_in_the_call(folder: Path) -> None:
    """Run a worker elsewhere until it is inside the channel, and kill it there."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.core.mechanism_app", "work", str(folder)],
        env={**os.environ, "PORTAL_TEST_HANG": "1"},
    )
    wait_for((folder / "calls").exists)
    worker.send_signal(signal.SIGKILL)
    worker.wait()


@pytest.mark.parametrize(("channel", "calls", "state"), [("stuck", 1, "unknown"), ("stuck_safe", 2, "sent")])
def test_killed_during_the_call(app: Portal, tmp_path: Path, channel: str, calls: int, state: str) -> None:
    with unit_of_work():
        sent = letter(tmp_path, "k", channel).id
    killed_in_the_call(tmp_path)
    assert facts(sent)[0] == "sending"
    for minutes in (1, 4, 8, 30):
        with clock.advanced(timedelta(minutes=minutes)):
            run(app)
    assert facts(sent)[0] == state
    assert len((tmp_path / "calls").read_text().splitlines()) == calls


def test_killed_before_the_claim_committed_it_goes_out_exactly_once(app: Portal, first: Scripted) -> None:
    sent = send()
    with unit_of_work():
        assert jobs.queue.claim(clock.now()) is not None  # the job was taken, and its worker killed
    with clock.advanced(timedelta(minutes=10)):
        run(app)
    assert facts(sent)[0] == "sent"
    assert len(first.seen) == 1


def test_a_late_answer_clears_up_a_message_thought_abandoned(app: Portal, first: Scripted) -> None:
    sent = send()
    with unit_of_work():
        attempt = delivery._claim(sent)
    assert attempt is not None
    with clock.advanced(timedelta(minutes=10)):
        delivery.deliver({"message": str(sent)})
        assert facts(sent)[0] == "unknown"
        with unit_of_work():
            delivery._record(attempt, Delivery.ok("late"))
    assert facts(sent)[0] == "sent"
    assert first.seen == []


def test_two_workers_at_one_message_call_the_channel_once(app: Portal, first: Scripted) -> None:
    sent = send()

    def race() -> None:
        with app.app_context():
            delivery.deliver({"message": str(sent)})

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.seen) == 1


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_message_in_somebodys_hands_is_left_alone(app: Portal, first: Scripted, idempotent: bool) -> None:
    first.idempotent = idempotent
    sent = send()
    with unit_of_work():
        assert delivery._claim(sent) is not None
    delivery.deliver({"message": str(sent)})
    assert facts(sent)[0] == "sending"
    assert first.seen == []
