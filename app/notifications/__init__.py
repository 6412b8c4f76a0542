"""Notifications: channels, message templates, WeChat's callback, and the page of outgoing messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from flask_babel import lazy_gettext as _l

if TYPE_CHECKING:
    from app.core.web import Portal
    from app.notifications.wechat import WeChatClient


def wechat_client() -> WeChatClient:
    """The running app's client: sign-in codes, phone codes, messages."""
    found: WeChatClient = current_app.extensions["wechat_client"]
    return found


def install(app: Portal) -> None:
    """Channels and message templates for the outbox, the pages, the callback."""
    from app.core import numbers, outbox
    from app.core.policy import Permission
    from app.notifications import channels, panel, persons, queries, templates, views
    from app.notifications.http import Outbound
    from app.notifications.links import PUBLIC_ADDRESS
    from app.notifications.wechat import WeChatClient
    from app.ui.navigation import NavItem, navigation

    numbers.register(PUBLIC_ADDRESS)
    settings = app.extensions["settings"]
    outbound = Outbound.from_settings(settings)
    client = app.extensions["wechat_client"] = WeChatClient(settings.wechat, outbound)
    for channel in channels.build(settings, client, outbound):
        outbox.register_channel(channel.name, channel)
    for template in templates.CATALOGUE.values():
        outbox.register_template(template.key, template.channels)
    for blueprint in views.blueprints:
        app.register_blueprint(blueprint)
    exempt(app)
    item = NavItem(
        "notifications",
        "oversight",
        _l("通知"),
        "bell",
        "notifications.index",
        Permission.NOTIFICATIONS_READ,
        order=30,
        counter=queries.stuck_counter,
        also=("notifications.show",),
    )
    navigation.add(item.key, item)
    panel.install()
    persons.install()


def exempt(app: Portal) -> None:
    """WeChat's server has no session of ours: the callback is checked by its signature instead of a CSRF token."""
    from app.notifications.views import callback

    protection = app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(callback.bp)
