"""Masks for pages, exports and messages, and the one spelling of phone numbers.

Pages show masks; revealing a value is a POST with a reason.
"""

from __future__ import annotations

import phonenumbers
from flask_babel import lazy_gettext as _l
from phonenumbers import NumberParseException, PhoneNumberFormat

from app.core.errors import Invalid

REGION = "CN"
NOTHING = ""
_STARS = "****"
CHINA, MOBILE_DIGITS = 86, 11


def to_e164(text: str) -> str:
    """``138 0000 0000`` -> ``+8613800000000``; numbers without a country code are Chinese. Raises Invalid."""
    try:
        number = phonenumbers.parse(text.strip(), REGION)
    except NumberParseException as error:
        raise _not_a_phone() from error
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise _not_a_phone()
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _not_a_phone() -> Invalid:
    message = _l("请填写有效的手机号码，例如 138 0000 0000；境外号码请加国家代码。")
    return Invalid(message, code="phone_invalid", fields={"phone": [message]})


def mask_phone(phone: str | None) -> str:
    """``+8613800000000`` -> ``138****0000``; foreign numbers keep their country code: ``+44 ****0000``."""
    if not phone:
        return NOTHING
    if phone.startswith("+86") and len(phone) == len("+8613800000000"):
        phone = phone[3:]
    if phone.startswith("+"):
        try:
            code = f"+{phonenumbers.parse(phone).country_code} "
        except NumberParseException:
            code = ""
        return f"{code}{_STARS}{phone[-4:]}" if len(phone) > 8 else _STARS
    return f"{phone[:3]}{_STARS}{phone[-4:]}" if len(phone) >= 11 else f"{_STARS}{phone[-2:]}"


def spaced_phone(phone: str) -> str:
    """For reading aloud and dialling: ``+8613800000000`` -> ``138 0000 0000``, others in international groups."""
    try:
        number = phonenumbers.parse(phone, REGION)
    except NumberParseException:
        return phone
    national = str(number.national_number)
    if number.country_code == CHINA and len(national) == MOBILE_DIGITS:
        return f"{national[:3]} {national[3:7]} {national[7:]}"
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def mask_name(name: str | None) -> str:
    """The first character and two stars, whatever the length: ``冯**``."""
    name = (name or "").strip()
    return f"{name[0]}**" if name else NOTHING


def mask_email(email: str | None) -> str:
    """``someone@demo.invalid`` -> ``s***@demo.invalid``."""
    local, at, domain = (email or "").strip().rpartition("@")
    return f"{local[:1]}***@{domain}" if at else ("***" if domain else NOTHING)


def mask_openid(openid: str | None) -> str:
    """The last four characters only."""
    return f"***{openid[-4:]}" if openid and len(openid) > 8 else ("***" if openid else NOTHING)
