"""The pictures in docs/generated are what the code says now."""

from __future__ import annotations

from app.cli import pictures


def test_generated_pages_are_up_to_date(app):
    for name, text in pictures.pages(app).items():
        assert (pictures.FOLDER / name).read_text() == text, f"run: flask --app wsgi docs ({name})"
