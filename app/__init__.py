"""create_app(): wires extensions, features and boot checks. Nothing else."""

from __future__ import annotations

from importlib import import_module

import config
from app.core import policy
from app.core.db import db, prepare_engine
from app.core.web import Portal, install_headers

# Floors of the tower, bottom up (decisions.md 2). Each package's `install(app)` registers what it has.
FLOORS = (
    "app.core",
    "app.ui",
    "app.audit",
    "app.staff",
    "app.hospitals",
    "app.lists",
    "app.consents",
    "app.dealers",
    "app.settings",
    "app.customers",
    "app.notifications",
    "app.registrations",
    "app.grants",
    "app.tickets",
    "app.dispatch",
    "app.safety",
    "app.satisfaction",
    "app.today",
    "app.health",
    "app.api",
    "app.cli",
)


def create_app(settings: config.Settings | None = None) -> Portal:
    """The application. Raises config.ConfigError or policy.PolicyGap rather than start half safe."""
    settings = settings or config.load()
    app = Portal(__name__, static_folder=str(config.ROOT / "static"), static_url_path="/static")
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},  # values never reach a logged error
        MAX_CONTENT_LENGTH=40 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        MAX_FORM_PARTS=100,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE="zh_Hans_CN",
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
    )
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    install_headers(app, production=settings.production)
    for name in FLOORS:
        import_module(name).install(app)
    policy.check_marks(app)
    return app
