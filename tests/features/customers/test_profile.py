"""What a registration makes of a person is true at read time; undo, change of hospital and suspension included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock, keys
from app.core.db import db, new_id
from app.core.errors import Forbidden, Gone, NotFound
from app.core.policy import ANONYMOUS, Actor
from app.core.unit_of_work import unit_of_work
from app.customers import queries, service
from app.customers.models import Customer, CustomerToken, Gender, LoginCode, WechatIdentity
from tests.core.floor_app import floor_app

NUMBER = "+8613800000031"
LATER = timedelta(seconds=60)


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Any]:
    with floor_app(tmp_path, "app.hospitals", "app.customers", "app.notifications") as app:
        yield app


@pytest.fixture
def work(portal: Any) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def run() -> Iterator[None]:
        with portal.app_context(), unit_of_work():
            yield

    return run


def person(number: str = NUMBER) -> Customer:
    row = Customer(subject_id=keys.new_subject(), phone=number, created_at=clock.now(), last_used_at=clock.now())
    db.session.add(row)
    db.session.flush()
    return row


def adopt(customer_id: UUID, registration_id: UUID, title: str = "主管护师", wait: timedelta = LATER) -> None:
    service.adopt_registration(
        customer_id, registration_id=registration_id, name="冯虚构", hospital_id=None, department_id=None,
        position="护士长", title=title, effective_at=clock.now() + wait,
    )  # fmt: skip


def title_now(customer_id: UUID) -> str | None:
    found = queries.profile_of(customer_id)
    return found.title if found is not None else None


def test_an_approval_counts_when_it_takes_effect(work):
    with work():
        row = person()
        adopt(row.id, new_id())
        assert title_now(row.id) is None
        with clock.advanced(LATER):
            assert title_now(row.id) == "主管护师"


def test_an_undone_change_of_hospital_leaves_the_former_profile(work):
    with work():
        row, first, second = person(), new_id(), new_id()
        adopt(row.id, first, wait=timedelta(0))
        adopt(row.id, second, "主任护师")
        assert title_now(row.id) == "主管护师"
        service.abandon_registration(row.id, registration_id=second)
        with clock.advanced(2 * LATER):
            assert title_now(row.id) == "主管护师"
        adopt(row.id, second, "主任护师")
        with clock.advanced(2 * LATER):
            assert title_now(row.id) == "主任护师"


def test_suspended_reinstated_ended(work):
    with work():
        row, registration = person(), new_id()
        adopt(row.id, registration, wait=timedelta(0))
        service.suspend(row.id, registration_id=registration)
        assert queries.profile_of(row.id).suspended_at is not None
        service.reinstate(row.id, registration_id=registration)
        assert queries.profile_of(row.id).suspended_at is None
        service.end(row.id, registration_id=registration)
        assert queries.profile_of(row.id) is None


def test_c02_one_living_account_per_number(work):
    with work():
        person("138 0000 0031").closed_at = clock.now()
    with work():
        person()
    with pytest.raises(IntegrityError), work():
        person("+86 13800000031")


def test_destroying_the_persons_key_erases_what_is_sealed(work):
    with work():
        row = person()
        row.name, row.gender = "冯虚构", Gender.FEMALE
        subject = row.subject_id
    with work():
        keys.keystore.destroy([subject])
    with work():
        found = db.session.scalars(sa.select(Customer)).one()
        with pytest.raises(Gone):
            _ = found.phone
        with pytest.raises(Gone):
            _ = found.gender


def test_addresses_by_channel(work, portal):
    with work():
        row = person()
        db.session.add(
            WechatIdentity(
                customer_id=row.id, subject_id=row.subject_id, appid="another", openid="o-1", created_at=clock.now(),
                last_used_at=clock.now(),
            )
        )  # fmt: skip
        db.session.flush()
        to = service.recipient(row.id)
        assert dict(to.addresses) == {"sms": NUMBER}
        assert to.subject_id == row.subject_id
        row.closed_at = clock.now()
        with pytest.raises(NotFound):
            service.recipient(row.id)


def test_only_the_person_himself(work):
    with work():
        row = person()
        for actor in (ANONYMOUS, Actor("staff", id=row.id)):
            with pytest.raises(Forbidden):
                service.set_gender(actor, Gender.MALE)
            with pytest.raises(Forbidden):
                queries.me(actor)


def test_old_codes_and_sessions_are_cleaned_away(work):
    with work():
        row, now = person(), clock.now()
        db.session.add(LoginCode(phone_index=b"x" * 32, audience="service", created_at=now, expires_at=now))
        db.session.add(
            CustomerToken(
                token_hash=b"t" * 32, customer_id=row.id, created_at=now, last_used_at=now, expires_at=now,
                absolute_at=now,
            )
        )  # fmt: skip
        db.session.flush()
        service.cleanup()
        assert db.session.scalars(sa.select(LoginCode)).all()
        with clock.advanced(timedelta(days=31)):
            service.cleanup()
        assert not db.session.scalars(sa.select(LoginCode)).all()
        assert not db.session.scalars(sa.select(CustomerToken)).all()
