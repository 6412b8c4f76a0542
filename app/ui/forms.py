"""The base of every form: one language for messages, values stripped, errors of services mapped onto fields."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import Form
from wtforms.i18n import get_translations

from app.core.errors import Invalid
from app.ui.frame import language

DIRECTION_MARKS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F]
CONTROLS = [code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A, 0x0D)]
UNSEEN = dict.fromkeys(DIRECTION_MARKS + CONTROLS)


def clean(value: Any) -> Any:
    """Text without outer blanks, control characters, and marks that turn the reading direction."""
    return value.translate(UNSEEN).strip() if isinstance(value, str) else value


class PortalForm(FlaskForm):
    """Subclass this. Labels, hints and messages are lazy strings in Chinese."""

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: Form) -> Any:
            """WTForms' own messages in the reader's language (it knows "zh", not "zh_Hans_CN")."""
            return get_translations([language()])

        def bind_field(self, form: Form, unbound_field: Any, options: dict[str, Any]) -> Any:
            filters = [clean, *unbound_field.kwargs.get("filters", [])]
            kind = getattr(unbound_field.field_class, "widget", None)
            if getattr(kind, "input_type", "") in ("text", "search", "email", "tel", "url") or _is_area(kind):
                options = {**options, "filters": filters}
            return unbound_field.bind(form=form, **options)

    def take(self, error: Invalid) -> None:
        """Show what a service refused at the fields it named; the rest above the form."""
        for name, messages in error.fields.items():
            found = [messages] if not isinstance(messages, (list, tuple)) else list(messages)
            if name in self._fields:
                self._fields[name].errors = [*self._fields[name].errors, *map(str, found)]
            else:
                self.form_errors.extend(str(message) for message in found)
        if not error.fields:
            self.form_errors.append(str(error.message))


def _is_area(widget: object) -> bool:
    return type(widget).__name__ == "TextArea"
