"""Domain errors, and the one table that maps them to HTTP for pages and API alike.

Services raise these; handlers never catch them to answer by hand. Each carries a stable ``code`` for the API
(RFC 9457 problem details) and a message for people, lazily translated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l


class DomainError(Exception):
    """Base: ``status`` is the HTTP status, ``code`` the stable name."""

    status = 400
    code = "bad_request"
    message: Any = _l("请求无法处理。")

    def __init__(self, message: Any = None, *, code: str | None = None, **facts: Any) -> None:
        self.message = type(self).message if message is None else message  # not asked for truth: it is translated late
        self.code = code or type(self).code
        self.facts = facts  # extra members of the problem object; never personal data
        super().__init__(str(self.code))


class NotFound(DomainError):
    """Outside the actor's scope, or not there: the two are never told apart."""

    status, code, message = 404, "not_found", _l("没有这一项，或它不在您的范围内。")


class Forbidden(DomainError):
    """The actor lacks the permission, or the rules bar this person from this act."""

    status, code, message = 403, "forbidden", _l("您没有做这件事的权限。")


class Unauthenticated(DomainError):
    status, code, message = 401, "unauthenticated", _l("请先登录。")


class StepUpRequired(DomainError):
    """The act needs a sign-in no older than ten minutes."""

    status, code, message = 403, "step_up_required", _l("请再次输入密码后继续。")


class Invalid(DomainError):
    """Input that cannot be accepted. ``fields`` maps a field name to messages."""

    status, code, message = 422, "invalid", _l("有内容需要更正，已填内容都保留着。")

    def __init__(self, message: Any = None, *, fields: dict[str, Any] | None = None, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.fields = fields or {}


class Conflict(DomainError):
    """Somebody or something was faster, or the row is no longer what the actor saw.

    ``who`` and ``when`` name the winner where there is one, so that the page can say it.
    """

    status, code, message = 409, "conflict", _l("这一项刚刚被改动，请看最新内容后再决定。")

    def __init__(
        self, message: Any = None, *, who: str | None = None, what: Any = None, when: datetime | None = None, **kw: Any
    ) -> None:
        super().__init__(message, **kw)
        self.who, self.what, self.when = who, what, when


class TransitionRefused(Conflict):
    """The table lists no such action for this status, or its guard said no."""

    code, message = "transition_refused", _l("当前状态下不能这样做。")


class Gone(DomainError):
    """It existed and was erased, as promised."""

    status, code, message = 410, "gone", _l("内容已按期删除。")


class TooLarge(DomainError):
    status, code, message = 413, "too_large", _l("文件过大。")


class UnsupportedMedia(DomainError):
    status, code, message = 415, "unsupported_media", _l("不支持这种文件格式。")


class TooManyRequests(DomainError):
    """``retry_after`` in seconds goes into the Retry-After header."""

    status, code, message = 429, "too_many_requests", _l("操作过于频繁，请稍后再试。")

    def __init__(self, message: Any = None, *, retry_after: int, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """A part we depend on does not answer; nothing was changed."""

    status, code, message = 503, "unavailable", _l("服务暂时不可用，没有改动任何内容，请稍后再试。")
