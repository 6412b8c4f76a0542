"""Whom a list was searched for travels sealed: browsers, proxies and logs keep addresses (ASVS 14.2.1).

Filters marked ``personal`` (a name, a phone number) are sent by POST. The address then holds one token in their place,
encrypted and bound to the list and to the person who searched; it lives as long as the key does. For anybody else, or
damaged, it is as if nothing had been typed.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from werkzeug.datastructures import MultiDict

from app.core import keys
from app.core.policy import Actor
from app.core.worklist.declaration import Worklist

ARGUMENT = "sought"
MAX_TOKEN = 1_000
PURPOSE = keys.declare("sought")


def personal(worklist: Worklist) -> list[str]:
    """The filters of this list that find a person."""
    return [f.key for f in worklist.filters if f.personal]


def sealed(worklist: Worklist, actor: Actor, args: Mapping[str, str]) -> dict[str, str]:
    """``args`` for an address: one token instead of personal values. A token that is there already stays."""
    names = personal(worklist)
    found = {name: args[name] for name in names if args.get(name)}
    plain = {key: value for key, value in args.items() if key not in names}
    if found:
        blob = keys.seal(PURPOSE, _place(worklist), actor.id, json.dumps(found).encode())
        plain[ARGUMENT] = base64.urlsafe_b64encode(blob).decode().rstrip("=")
    return plain


def opened(worklist: Worklist, actor: Actor, args: MultiDict[str, str]) -> MultiDict[str, str]:
    """``args`` with the personal values of the token in them, which go before values typed into the address."""
    token = args.get(ARGUMENT, "")
    if not token:
        return args
    found = MultiDict(args)
    del found[ARGUMENT]
    found.update(_read(worklist, actor, token))
    return found


def _read(worklist: Worklist, actor: Actor, token: str) -> dict[str, str]:
    if len(token) > MAX_TOKEN:
        return {}
    try:
        blob = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        values = json.loads(keys.open(_place(worklist), actor.id, blob))
    except (binascii.Error, ValueError, keys.Unreadable):
        return {}
    return {name: values[name] for name in personal(worklist) if isinstance(values.get(name), str)}


def _place(worklist: Worklist) -> str:
    return f"{ARGUMENT}.{worklist.key}"
