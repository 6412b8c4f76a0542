"""Limits of WeChat template values, checked before sending (requirements.md 5.2). A field's name tells its kind.

``thing`` values get no personal data: only a number of ours and words of the catalogue. `check` refuses what looks
like a phone number, an e-mail address or an identity card there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from app.notifications.wechat.errors import ValueRefused

_KIND = re.compile(r"^([a-z_]+?)\d*$")
_CJK = re.compile(r"[㐀-鿿豈-﫿]")
_PERSONAL = re.compile(r"1[3-9]\d[ -]?\d{4}[ -]?\d{4}|(?<!\d)0\d{2,3}-?\d{7,8}|\d{15,}|\S+@\S+")
_DATE = r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}[-/.]\d{1,2}[-/.]\d{1,2})"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2})?"
_TIME = re.compile(rf"^({_DATE} {_CLOCK}|{_DATE}|{_CLOCK})$")
_AMOUNT = re.compile(r"^[¥￥$€£]?\d{1,10}(\.\d{1,2})?元?$")


def _thing(text: str) -> bool:
    return len(text) <= 20 and not _PERSONAL.search(text)


def _name(text: str) -> bool:
    return len(text) <= 10 if _CJK.search(text) else len(text) <= 20


RULES: dict[str, tuple[str, Callable[[str], bool]]] = {
    "thing": ("at most 20 characters, nothing personal", _thing),
    "number": ("at most 32 digits", lambda t: bool(re.fullmatch(r"\d{1,32}(\.\d+)?", t)) and len(t) <= 32),
    "letter": ("at most 32 letters", lambda t: bool(re.fullmatch(r"[A-Za-z]{1,32}", t))),
    "symbol": ("at most 5 symbols", lambda t: len(t) <= 5),
    "character_string": ("at most 32 characters, no Chinese", lambda t: len(t) <= 32 and not _CJK.search(t)),
    "time": ("a date, a time or both", lambda t: bool(_TIME.match(t))),
    "date": ("a date, with or without a time", lambda t: bool(_TIME.match(t))),
    "amount": ("an amount", lambda t: bool(_AMOUNT.match(t))),
    "phone_number": ("at most 17 digits and symbols", lambda t: bool(re.fullmatch(r"[\d+\-() ]{1,17}", t))),
    "car_number": ("at most 8 characters", lambda t: len(t) <= 8),
    "name": ("at most 10 Chinese characters or 20 letters", _name),
    "phrase": ("at most 5 Chinese characters", lambda t: len(t) <= 5 and bool(re.fullmatch(r"[㐀-鿿]+", t))),
    "const": ("at most 20 characters", lambda t: len(t) <= 20),
}


def check(data: Mapping[str, str]) -> None:
    """Raise ValueRefused for the first field whose value WeChat would not take."""
    for field, value in data.items():
        found = _KIND.match(field)
        rule = RULES.get(found.group(1)) if found else None
        if rule is None:
            raise ValueRefused(field, "unknown kind of field")
        if not value.strip() or "\n" in value:
            raise ValueRefused(field, "empty or of several lines")
        if not rule[1](value):
            raise ValueRefused(field, rule[0])
