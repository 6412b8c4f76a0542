"""A stub of WeCom's server with the documented contract (requirements.md 5). Loopback only.

A token lives two hours and stays the same while it does. A request that was seen before within its own interval is
answered well and reaches nobody. Some members refused is errcode 0 with their ids in lower case; all refused is 81013.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from tests.stubs.server import Call, Refusal, StubServer

CORP, AGENT, SECRET = "wwstub0000000001", "1000002", "stub-agent-value"
GETTOKEN, SEND = "/cgi-bin/gettoken", "/cgi-bin/message/send"
TITLE_CHARS, DESCRIPTION_CHARS, URL_CHARS, BUTTON_CHARS, MEMBERS_MOST = 128, 512, 2048, 4, 1000
INTERVAL_MOST = 14_400


def error(code: int) -> Refusal:
    return Refusal({"errcode": code, "errmsg": f"stub {code}"})


class WeComStub(StubServer):
    """State is plain attributes under ``lock``: tests set them directly. ``later`` moves the stub's clock, in seconds.

    ``lose`` answers are lost after the call was acted upon; ``mild`` lists even a sole unknown member in an answer with
    errcode 0, as WeCom does when it finds out late.
    """

    def reset_state(self) -> None:
        self.token, self.ends = "", 0.0
        self.dead_tokens: set[str] = set()
        self.members: set[str] = set()
        self.hidden: set[str] = set()  # members whom the app is not visible to
        self.unlicensed: set[str] = set()
        self.delivered: list[tuple[str, dict[str, Any]]] = []  # member, card
        self.seen: dict[bytes, float] = {}  # request -> when it was first taken
        self.trusted = True  # the caller's address is on the app's list
        self.may_send = True
        self.mild = False
        self.lose = 0
        self.later = 0.0

    def expire_tokens(self) -> None:
        """WeCom may end a token before its time; the next one is another."""
        with self.lock:
            self.dead_tokens.add(self.token)
            self.token, self.ends = "", 0.0

    def failure(self, code: Any) -> Refusal:
        return error(int(code))

    def answer(self, call: Call) -> dict[str, Any]:
        if not self.trusted:
            raise error(60020)
        match call.method, call.path:
            case "GET", "/cgi-bin/gettoken":
                return self._gettoken(call.query)
            case "POST", "/cgi-bin/message/send":
                found = self._send(call)
                if self.lose:
                    self.lose -= 1
                    raise Refusal({"error": "lost on the way"}, 502)
                return found
        raise Refusal({"error": "no such call"}, 404)

    def _now(self) -> float:
        return time.time() + self.later

    def _gettoken(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("corpid") != CORP:
            raise error(40013)
        if query.get("corpsecret") != SECRET:
            raise error(40001)
        if self.ends <= self._now():
            self.dead_tokens.add(self.token)
            self.token, self.ends = secrets.token_urlsafe(96), self._now() + 7200
        return {"errcode": 0, "errmsg": "ok", "access_token": self.token, "expires_in": int(self.ends - self._now())}

    def _check_token(self, call: Call) -> None:
        given = call.query.get("access_token")
        if not given:
            raise error(41001)
        if given != self.token or given in self.dead_tokens:
            raise error(40014)
        if self.ends <= self._now():
            raise error(42001)

    def _send(self, call: Call) -> dict[str, Any]:
        self._check_token(call)
        body = call.json()
        if body.get("agentid") != int(AGENT):
            raise error(40056)
        if not self.may_send:
            raise error(301002)
        wanted = [one for one in str(body.get("touser", "")).split("|") if one]
        if not wanted:
            raise error(82001)
        card = self._card(body)
        refused = [one for one in wanted if one.lower() not in self.members - self.hidden or len(wanted) > MEMBERS_MOST]
        if len(refused) == len(wanted) and not self.mild:
            raise error(81013)
        unlicensed = [one for one in wanted if one not in refused and one.lower() in self.unlicensed]
        if not self._repeated(call, body):
            reached = [one for one in wanted if one not in refused and one not in unlicensed]
            self.delivered.extend((one.lower(), card) for one in reached)
        lists = {"invaliduser": refused, "unlicenseduser": unlicensed}
        named = {name: "|".join(one.lower() for one in found) for name, found in lists.items() if found}
        return {"errcode": 0, "errmsg": "ok", **named, "msgid": f"stub{len(self.requests)}"}

    def _card(self, body: dict[str, Any]) -> dict[str, Any]:
        card = body.get("textcard")
        if body.get("msgtype") != "textcard" or not isinstance(card, dict):
            raise error(40008)
        if not all(card.get(name) for name in ("title", "description", "url")):
            raise error(40058)
        if not str(card["url"]).startswith(("http://", "https://")) or len(card["url"]) > URL_CHARS:
            raise error(40058)
        return {
            "title": card["title"][:TITLE_CHARS], "description": card["description"][:DESCRIPTION_CHARS],
            "url": card["url"], "btntxt": str(card.get("btntxt") or "详情")[:BUTTON_CHARS],
        }  # fmt: skip

    def _repeated(self, call: Call, body: dict[str, Any]) -> bool:
        interval = int(body.get("duplicate_check_interval", 1800))
        if interval > INTERVAL_MOST:
            raise error(40058)
        if not body.get("enable_duplicate_check"):
            return False
        before = self.seen.get(call.body)
        if before is not None and self._now() - before < interval:
            return True
        self.seen[call.body] = self._now()
        return False
