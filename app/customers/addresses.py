"""Where else a person can be reached: what a room above knows beyond the identities that sign-in bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core.registry import Registry
from app.customers.models import WechatIdentity

# From the person's identities to addresses by channel; an address that sign-in bound goes before.
more_addresses: Registry[Callable[[list[WechatIdentity]], Mapping[str, str]]] = Registry("more_addresses")
