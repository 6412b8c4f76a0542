"""The face shared by every page: base layout, macros, navigation, formatters. It knows no feature."""

from __future__ import annotations

from app.core.web import Portal

PAGE_MODULES = ("keys", "palette", "dialogs", "rows", "lists", "busy", "toast", "preferences")


def install(app: Portal) -> None:
    """Languages, formatters, assets, toasts, error pages, palette and help."""
    from app.ui import assets, charts, errors, formatters, frame, kept, marks, moves, toasts, views

    frame.install(app)
    kept.install(app)
    assets.install(app)
    toasts.install(app)
    errors.install(app)
    app.jinja_env.filters.update(formatters.FILTERS, percent=charts.percent)
    app.jinja_env.globals.update(draw_icon=marks.icon, draw_kbd=marks.kbd)
    app.jinja_env.globals.update(due_facts=formatters.due_facts, page_modules=PAGE_MODULES)
    app.jinja_env.globals.update(by_how_much=moves.by_how_much)
    app.register_blueprint(views.bp)
