"""Where the portal is reached from outside: links in messages begin with it."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import numbers
from app.core.numbers import NumberSpec
from app.notifications.apart import reading

PUBLIC_ADDRESS = NumberSpec(
    "public_address", "contact", "http://127.0.0.1:8000", 10, 120, "text",
    _l("发给用户和员工的链接以此地址开头。"), pattern=r"https?://[A-Za-z0-9.\-:\[\]]+/?",
)  # fmt: skip


def link_to(path: str) -> str:
    """The full address of a page, read apart: a channel holds no transaction while the network answers."""
    with reading() as session:
        found = session.scalar(sa.select(numbers.stored(PUBLIC_ADDRESS.key)))
    return f"{(found or str(PUBLIC_ADDRESS.default)).rstrip('/')}{path}"
