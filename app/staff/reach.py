"""Where members of staff are told things (decisions.md 28): WeCom where an id is set, else e-mail."""

from __future__ import annotations

import re
from typing import Protocol

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid

WECOM_CHARS = 64
# WeCom: digits, letters and _-@. with a digit or letter in front, case ignored
_WECOM_ID = re.compile(rf"[a-z0-9][a-z0-9_\-@.]{{0,{WECOM_CHARS - 1}}}", re.ASCII)


class Reachable(Protocol):
    """An account, or a row with these two of its columns."""

    @property
    def email(self) -> str: ...

    @property
    def wecom_user_id(self) -> str | None: ...


def addresses(of: Reachable) -> dict[str, str]:
    """By channel; which of them is used first is the template's matter."""
    found = {"email": of.email}
    return {"wecom": of.wecom_user_id, **found} if of.wecom_user_id else found


def normal_wecom_id(typed: str | None) -> str | None:
    """The stored spelling; None for nothing. Raises Invalid."""
    found = (typed or "").strip().lower()
    if not found:
        return None
    if not _WECOM_ID.fullmatch(found):
        message = _l("请填写企业微信通讯录里的账号：最多 64 位，只含字母、数字和 _ - @ .，以字母或数字开头。")
        raise Invalid(message, code="wecom_id_invalid", fields={"wecom": [message]})
    return found
