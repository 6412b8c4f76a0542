"""WeChat: interface tokens, the calls the portal makes, and the callbacks it receives (requirements.md 5)."""

from __future__ import annotations

from app.notifications.wechat.client import Account, MiniSession, WeChatClient
from app.notifications.wechat.errors import RULES, Step, ValueRefused, WeChatError, WeChatUnreachable

__all__ = [
    "RULES",
    "Account",
    "MiniSession",
    "Step",
    "ValueRefused",
    "WeChatClient",
    "WeChatError",
    "WeChatUnreachable",
]
