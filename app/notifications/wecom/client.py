"""The two WeCom calls the portal makes. Their failures are ApiError and Unreachable of `notifications.tencent`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import config
from app.notifications.http import Outbound
from app.notifications.tencent import Api, TokenStore, text_of
from app.notifications.wecom.errors import WeComError

DUPLICATE_CHECK = timedelta(hours=4)  # the most that WeCom allows: the same request within it reaches nobody twice
REMEMBERED = timedelta(hours=3)  # what we rely on: an hour is left for an attempt under way and for differing clocks
BUTTON = "查看"  # at most four characters


@dataclass(frozen=True, slots=True)
class Agent:
    """The company's app. Its token is another than that of the company's other apps."""

    corp_id: str
    agent_id: str
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """Under which its token is kept."""
        return f"{self.corp_id}:{self.agent_id}"


@dataclass(frozen=True, slots=True)
class Card:
    """A text card: at most 128 characters of title, 512 of description; WeCom cuts off what is longer."""

    title: str
    description: str
    url: str


class NotReached(Exception):
    """WeCom took the call and says, in an answer with errcode 0, that this member does not get the card."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class WeComClient:
    """One app of one company. Thread safe."""

    def __init__(self, settings: config.WeCom, outbound: Outbound) -> None:
        self.agent = Agent(settings.corp_id, settings.agent_id, settings.secret)
        self._api = Api(settings.api_base, outbound, WeComError)
        self.tokens = TokenStore(self._token, forces=False)  # asked again too early, WeCom gives the same one

    @property
    def configured(self) -> bool:
        return bool(self.agent.corp_id and self.agent.agent_id and self.agent.secret)

    def send_card(self, user_id: str, card: Card) -> str:
        """A card to one member; WeCom's message id. The same card again within `DUPLICATE_CHECK` arrives once.

        Raises NotReached, WeComError, Unreachable.
        """
        body: dict[str, Any] = {
            "touser": user_id,
            "msgtype": "textcard",
            "agentid": int(self.agent.agent_id),
            "textcard": {"title": card.title, "description": card.description, "url": card.url, "btntxt": BUTTON},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": int(DUPLICATE_CHECK.total_seconds()),
        }
        found = self._api.with_token(self.tokens, self.agent, "/cgi-bin/message/send", body)
        for name in ("invaliduser", "unlicenseduser"):
            if user_id.lower() in _members(found, name):
                raise NotReached(name)
        return str(found.get("msgid") or "")

    def _token(self, agent: Agent, _force: bool) -> tuple[str, int]:
        query = {"corpid": agent.corp_id, "corpsecret": agent.secret}
        found = self._api.call("GET", "/cgi-bin/gettoken", params=query, idempotent=True)
        return text_of(found, "access_token"), int(found.get("expires_in", 0))


def _members(found: Mapping[str, Any], name: str) -> set[str]:
    """Ids that an answer lists, which WeCom writes in lower case."""
    return {one.lower() for one in str(found.get(name) or "").split("|") if one}
