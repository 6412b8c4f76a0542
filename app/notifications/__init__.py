"""Notifications: channels, message templates, WeChat's callback, and the page of outgoing messages."""
