"""One service that answers 200 with ``errcode``; a missing one means 0.

Nothing here logs, and no exception carries a token, a code, a person's id or a body.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from app.notifications.http import Outbound, OutboundError
from app.notifications.tencent.errors import ApiError, Step, Unreachable
from app.notifications.tencent.token import Account, TokenStore

BUSY_TRIES = 3  # -1 means that nothing was done: the same call again is safe
BACKOFF_SECONDS = 0.2


class Api:
    """The calls of one service under one base address. Thread safe."""

    def __init__(self, base: str, outbound: Outbound, error: type[ApiError]) -> None:
        self._base, self._outbound, self._error = base.rstrip("/"), outbound, error

    def with_token(
        self,
        tokens: TokenStore,
        account: Account,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A call with the account's token; a refused token is refreshed and the call made once more."""
        method, reads = ("GET", True) if body is None else ("POST", False)
        token = _token(tokens, account)
        try:
            return self.call(method, path, params={"access_token": token, **(query or {})}, body=body, idempotent=reads)
        except ApiError as error:
            if error.rule.step is not Step.REFRESH:
                raise
        token = _token(tokens, account, rejected=token)
        return self.call(method, path, params={"access_token": token, **(query or {})}, body=body, idempotent=reads)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotent: bool = False,
    ) -> dict[str, Any]:
        """One call; again when the service is busy, and after a lost answer only where that is harmless.

        Raises ApiError (of the service), Unreachable.
        """
        for last in (*([False] * (BUSY_TRIES - 1)), True):
            try:
                return self._once(method, path, params, body)
            except ApiError as error:
                if last or error.errcode != -1:
                    raise
            except Unreachable as error:
                if last or (error.sent and not idempotent):
                    raise
            time.sleep(BACKOFF_SECONDS)
        raise AssertionError("unreachable")

    def _once(
        self, method: str, path: str, params: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        try:
            reply = self._outbound.call(method, self._base + path, params=params, body=body)
        except OutboundError as error:
            raise Unreachable(error.code, sent=error.sent) from None
        if reply.status >= 500:
            raise Unreachable("http_5xx", sent=True)
        try:
            found = reply.json()
            errcode = int(found.get("errcode") or 0)
        except (ValueError, TypeError):
            raise Unreachable("unexpected_answer", sent=True) from None
        if errcode:
            raise self._error(errcode)
        if reply.status != 200:
            raise Unreachable("http_4xx", sent=False)
        return found


def _token(tokens: TokenStore, account: Account, rejected: str | None = None) -> str:
    """Without a token the call itself was never made, whatever became of the question for one."""
    try:
        return tokens.get(account, rejected=rejected)
    except Unreachable as error:
        raise Unreachable(error.code, sent=False) from None


def text_of(found: Mapping[str, Any], name: str) -> str:
    """A field that must be there. Raises Unreachable."""
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise Unreachable("unexpected_answer", sent=True)
    return value
