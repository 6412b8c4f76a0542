"""WeCom (企业微信): cards of the company's own app to members of staff (requirements.md 5)."""

from __future__ import annotations

from app.notifications.wecom.client import REMEMBERED, Card, NotReached, WeComClient
from app.notifications.wecom.errors import RULES, UNLISTED, WeComError

__all__ = ["REMEMBERED", "RULES", "UNLISTED", "Card", "NotReached", "WeComClient", "WeComError"]
