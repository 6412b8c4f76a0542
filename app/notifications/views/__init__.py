"""The page of outgoing messages, and WeChat's callback address."""

from app.notifications.views import callback, messages

blueprints = (messages.bp, callback.bp)

__all__ = ["blueprints"]
