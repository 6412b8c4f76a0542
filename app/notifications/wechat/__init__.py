"""WeChat: the calls the portal makes, and the callbacks it receives (requirements.md 5)."""

from __future__ import annotations

from app.notifications.wechat.client import Account, MiniSession, WeChatClient
from app.notifications.wechat.errors import RULES, ValueRefused, WeChatError

__all__ = [
    "RULES",
    "Account",
    "MiniSession",
    "ValueRefused",
    "WeChatClient",
    "WeChatError",
]
