"""Login codes: sent to any number, known or not, and answered alike for both (decisions.md 25)."""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, keys, outbox, throttle
from app.core.db import db
from app.core.errors import Invalid
from app.core.masking import to_e164
from app.core.unit_of_work import evidence
from app.customers.models import CODE_PURPOSE, Audience, LoginCode

LIFE = timedelta(minutes=5)
MAX_TRIES = 5
DIGITS = 6
CHINESE_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
PHONE_LIMITS = ((1, timedelta(minutes=1)), (5, timedelta(hours=1)), (10, timedelta(days=1)))
# a hospital's people share one address: wide enough for them, narrow enough for a machine
ADDRESS_LIMITS = ((20, timedelta(minutes=1)), (100, timedelta(hours=1)), (500, timedelta(days=1)))
MESSAGES = {Audience.SERVICE: "login_code", Audience.SMART_MEDICAL: "site_otp"}  # template and purpose alike (C03)


class CodeAnswer(StrEnum):
    """How a try ended; the values are the API's stable codes."""

    RIGHT = "code_right"
    WRONG = "code_wrong"
    EXPIRED = "code_expired"
    USED = "code_used"
    LOCKED = "code_locked"


def mobile(phone: str) -> str:
    """E.164 of a number that can get an SMS: Chinese numbers must be mobile ones. Raises Invalid."""
    number = to_e164(phone)
    if number.startswith("+86") and not CHINESE_MOBILE.fullmatch(number):
        message = _l("请填写有效的手机号码，例如 138 0000 0000；境外号码请加国家代码。")
        raise Invalid(message, code="phone_invalid", fields={"phone": [message]})
    return number


def throttle_codes(phone: str, address: str) -> int | None:
    """Count one request for a code; the seconds to wait when it is one too many. Runs before the main transaction.

    Raises Invalid for what is no phone number.
    """
    number = mobile(phone)
    buckets = (("login_code.phone", number, PHONE_LIMITS), ("login_code.address", address, ADDRESS_LIMITS))
    with evidence() as session:
        waits = [throttle.wait(session, *bucket) for bucket in buckets]
        if any(waits):
            return max(seconds for seconds in waits if seconds)
        for bucket in buckets:
            throttle.hit(session, *bucket)
    return None


def send_code(phone: str, audience: Audience) -> None:
    """Make a code, end the one before it, and queue the message. Says nothing about whether the number is known."""
    number = mobile(phone)
    index, now = phone_index(number), clock.now()
    for old in db.session.scalars(_rows(index, audience).where(LoginCode.ended_at.is_(None)).with_for_update()):
        old.ended_at = now
        outbox.cancel(_message_key(old))
    row = LoginCode(phone_index=index, audience=audience.value, created_at=now, expires_at=now + LIFE)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    row.code_hash = _hash(row, code)
    db.session.add(row)
    db.session.flush()
    name = MESSAGES[audience]
    to = outbox.Recipient(addresses={"sms": number})
    outbox.send(name, to=to, params={"code": code}, purpose=name, dedupe_key=_message_key(row))


def try_code(number: str, code: str, audience: Audience) -> tuple[CodeAnswer, LoginCode]:
    """Compare one try with the newest code and count it. A right code is not spent yet: see `spend`.

    Expired and used are said only to whoever knows that code; a number without a code gets a row that nothing
    matches, so that it is wrong five times and then locked as any other.
    """
    index, now = phone_index(number), clock.now()
    newest = _rows(index, audience).order_by(LoginCode.created_at.desc(), LoginCode.id.desc()).limit(1)
    row = db.session.scalars(newest.with_for_update().execution_options(populate_existing=True)).one_or_none()
    same = hmac.compare_digest(_hash(row, code), row.code_hash or bytes(32)) if row is not None else False
    if row is None or (row.expires_at <= now and not same):
        row = LoginCode(phone_index=index, audience=audience.value, created_at=now, expires_at=now + LIFE, tries=1)
        db.session.add(row)
        db.session.flush()
        return CodeAnswer.WRONG, row
    if row.tries >= MAX_TRIES:
        return CodeAnswer.LOCKED, row
    if same and row.used_at is not None:
        return CodeAnswer.USED, row
    if same and row.expires_at <= now:
        return CodeAnswer.EXPIRED, row
    if same:
        return CodeAnswer.RIGHT, row
    row.tries += 1
    db.session.flush()
    return CodeAnswer.WRONG, row


def spend(row: LoginCode) -> bool:
    """Use the code up; False when another request was faster."""
    done = db.session.execute(
        sa.update(LoginCode)
        .where(LoginCode.id == row.id, LoginCode.used_at.is_(None))
        .values(used_at=clock.now())
        .execution_options(synchronize_session="fetch")
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def phone_index(number: str) -> bytes:
    """The keyed hash under which codes of a number are found. Codes outlive no rotation, so one key is enough."""
    return keys.mac(CODE_PURPOSE, b"phone|" + number.encode())


def _rows(index: bytes, audience: Audience) -> sa.Select[LoginCode]:
    return sa.select(LoginCode).where(LoginCode.phone_index == index, LoginCode.audience == audience.value)


def _hash(row: LoginCode, code: str) -> bytes:
    return keys.mac(CODE_PURPOSE, b"code|" + row.id.bytes + code.encode())


def _message_key(row: LoginCode) -> str:
    return f"login_code:{row.id}"
