"""Text that comes in and that not every database of ours can keep: refused where it is read, in every field alike.

A null byte is text to SQLite and an error to PostgreSQL; half of a surrogate pair is no text in UTF-8 at all. Such
characters stand in no word that a person types, so nothing is taken out silently: the field is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Request
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid, NotFound

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
SENTENCE = _l("含有不能保存的字符（空字符），请删去后再提交。")
MESSAGE = _l("填写的内容里有不能保存的字符（空字符），没有保存。请返回上一页，删去后再提交。")


def storable(text: str) -> bool:
    """Whether both databases keep this text as it is."""
    return _UNSTORABLE.search(text) is None


def unstorable(value: Any, name: str = "") -> Iterator[str]:
    """Where in a JSON value such text stands: names and positions joined by dots; "body" for the value itself."""
    if isinstance(value, str):
        if not storable(value):
            yield name or "body"
    elif isinstance(value, dict):
        for key, part in value.items():
            shown = key if storable(key) else "body"
            yield from unstorable(part, f"{name}.{shown}" if name else shown)
            if shown != key:
                yield name or "body"
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from unstorable(part, f"{name}.{at}" if name else str(at))


def refuse(names: Iterable[str]) -> None:
    """Raises Invalid if there are any."""
    fields = {name: [SENTENCE] for name in names}
    if fields:
        raise Invalid(MESSAGE, fields=fields)


def check_address(request: Request) -> None:
    """The path and the query. Raises NotFound: no number, word or id of ours is so; Invalid for the query."""
    if any(isinstance(value, str) and not storable(value) for value in (request.view_args or {}).values()):
        raise NotFound()
    refuse(_names(request.args))


class IncomingRequest(Request):
    """Flask's request; a form is refused when it is read, whoever reads it first."""

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        super()._load_form_data()
        found = [*_names(self.form), *(name for name, file in self.files.items(multi=True) if _unnamed(file.filename))]
        if found:
            self.__dict__["form"] = self.parameter_storage_class()  # what an error page reads
            refuse(found)


def _unnamed(filename: str | None) -> bool:
    return filename is not None and not storable(filename)


def _names(values: MultiDict[str, str]) -> list[str]:
    return [
        name if storable(name) else "body"
        for name, value in values.items(multi=True)
        if not (storable(name) and storable(value))
    ]
