"""What WeChat and WeCom have in common: answers with ``errcode`` (requirements.md 5), and interface tokens."""

from __future__ import annotations

from app.notifications.tencent.api import Api, text_of
from app.notifications.tencent.errors import ApiError, Rule, Step, Unreachable
from app.notifications.tencent.token import TokenStore

__all__ = ["Api", "ApiError", "Rule", "Step", "TokenStore", "Unreachable", "text_of"]
