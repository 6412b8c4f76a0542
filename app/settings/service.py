"""Changes of settings: each one an audit event, with the old and new value in its sealed note."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core import audit, calendar, numbers
from app.core.calendar import draft
from app.core.errors import Invalid, NotFound
from app.core.policy import Actor, Permission

FILE_MAX_BYTES = 200_000
SOURCE_MAX_CHARS = 120


def change_number(actor: Actor, key: str, typed: str) -> None:
    """Set a business number. Raises NotFound for an unknown key, Invalid (field ``value``) for a bad one."""
    actor.require(Permission.SETTINGS_MANAGE)
    if numbers.specs.get(key) is None:
        raise NotFound()
    before, after = numbers.change(key, typed, actor.id)
    if before != after:
        audit.record(
            "business_number.changed", actor, "business_number", key, fields=("value",), note=f"{before} → {after}"
        )


def draft_calendar(actor: Actor, data: bytes, file_name: str) -> calendar.Draft:
    """Check a CSV of days and keep it as the draft. Raises Invalid (field ``file``) with line numbers."""
    actor.require(Permission.SETTINGS_MANAGE)
    if len(data) > FILE_MAX_BYTES:
        raise Invalid(fields={"file": [_l("文件过大，一年的日历不超过 366 行。")]})
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Invalid(fields={"file": [_l("文件不是 UTF-8 编码的文本。")]}) from error
    source = "".join(c for c in file_name if c.isprintable())[:SOURCE_MAX_CHARS] or "upload"
    found = draft.keep(text, source, actor)
    audit.record("calendar.drafted", actor, "working_day", found.last, fields=("is_working", "name"))
    return found


def publish_calendar(actor: Actor, edition: str, *, promises_follow: bool) -> calendar.Imported:
    """Put the draft in force; running promises keep theirs unless they are to follow. Raises Conflict.

    One person: the days are the State Council's notice, which anybody can compare, and the preview was seen.
    """
    actor.require(Permission.SETTINGS_MANAGE)
    done = draft.publish(edition, actor, promises_follow=promises_follow)
    fields = ("is_working", "name", "promises_follow") if promises_follow else ("is_working", "name")
    audit.record("calendar.imported", actor, "working_day", done.last, fields=fields)
    return done


def drop_calendar(actor: Actor) -> None:
    """Forget the draft."""
    actor.require(Permission.SETTINGS_MANAGE)
    draft.drop()
    audit.record("calendar.draft_dropped", actor, "working_day", "draft")
