"""Two at once: what must happen once happens once, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.unit_of_work import unit_of_work
from app.staff import queries, second_factor, service
from app.staff.models import RecoveryCode, RoleAssignment, StaffAccount
from app.staff.service import proof
from tests.factories import staff


def at_once(app, *acts):
    """Run the acts in threads that start together; what each returned, or the code of what it raised."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(index, act):
        with app.app_context():
            gate.wait()
            try:
                with unit_of_work():
                    answers[index] = act()
            except DomainError as error:
                answers[index] = error.code

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def admin(app):
    return replace(staff.member(app, "admin"), signed_in_at=clock.now())


def test_two_administrators_cannot_unseat_each_other(app, work):
    one, two = admin(app), admin(app)
    answers = at_once(
        app,
        lambda: service.take_role(one, two.id, "admin"),
        lambda: service.take_role(two, one.id, "admin"),
    )
    assert sorted(answers, key=str) == [None, "last_admin"]
    with work():
        assert len(db.session.scalars(sa.select(RoleAssignment.id)).all()) == 1


def test_two_grants_cannot_make_a_forbidden_pair(app, work):
    actor, target = admin(app), staff.member(app)
    answers = at_once(
        app,
        lambda: service.grant_role(actor, target.id, "auditor").role,
        lambda: service.grant_role(actor, target.id, "reviewer").role,
    )
    assert "forbidden_pair" in answers
    with work():
        assert len(queries.actor_of(target.id).roles) == 1


def test_a_recovery_code_and_a_step_are_spent_once(app, work):
    target = staff.member(app)
    code = second_factor.new_recovery_codes()[0]
    with work():
        db.session.add(RecoveryCode(staff_id=target.id, code_mac=second_factor.recovery_mac(code)))

    def spend():
        return proof.spend_second_factor(db.session.get(StaffAccount, target.id), code)

    assert sorted(at_once(app, spend, spend, spend), key=str) == [None, None, "recovery"]
    steps = at_once(app, *[lambda: proof.spend_step(target.id, 77)] * 3)
    assert sorted(steps) == [False, False, True]


def test_a_link_is_good_once(app, work):
    actor = admin(app)
    with work():
        account, token = service.invite(actor, "race@demo.invalid", "样例新人", link=str)
        account_id = account.id
    act = lambda: service.accept_invitation(token, staff.PASSWORD).id
    assert sorted(at_once(app, act, act), key=str) == sorted([account_id, "gone"], key=str)


def test_the_same_address_invited_twice_makes_one_account(app, work):
    actor = admin(app)
    act = lambda: bool(service.invite(actor, "same@demo.invalid", "样例新人", link=str))
    assert sorted(at_once(app, act, act), key=str) == sorted([True, "email_used"], key=str)
