"""What a person chose for one list: its columns and their order, and the filters it opens with.

Choices lie with the account (``actor.preferences["lists"][key]``), which every request has read already: they cost no
statement. They hold keys and filters of a declaration; what the declaration no longer knows is ignored, what it has
got since is shown at its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug.datastructures import MultiDict

from app.core.policy import Actor
from app.core.worklist import sought
from app.core.worklist.declaration import Column, Worklist

PREFERENCE = "lists"
WHOLE_LIST = {"view": "all"}  # any argument keeps the chosen start away; this one says nothing else
MAX_QUERY = 500
Placed = tuple[int, Column]  # a column with its place in the declaration


def kept(worklist: Worklist, actor: Actor) -> Mapping[str, Any]:
    """The stored choice for this list; empty without one."""
    lists = actor.preferences.get(PREFERENCE)
    found = lists.get(worklist.key) if isinstance(lists, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def drawable(worklist: Worklist) -> list[Placed]:
    """Every column that a page can show, as declared."""
    return [(i, column) for i, column in enumerate(worklist.columns) if not column.hidden]


def arranged(worklist: Worklist, actor: Actor) -> list[tuple[int, Column, bool]]:
    """All drawable columns in this person's order, each with whether it is shown. The lead column always is."""
    choice = kept(worklist, actor)
    order: Sequence[str] = choice.get("order") or ()
    hidden: Sequence[str] = choice.get("hidden") or ()
    place = {key: at for at, key in enumerate(order)}
    columns = drawable(worklist)
    if place:
        columns.sort(key=lambda found: place.get(found[1].key, len(place)))
    lead = worklist.lead_column.key
    return [(i, column, column.key == lead or column.key not in hidden) for i, column in columns]


def shown(worklist: Worklist, actor: Actor) -> list[Placed]:
    """The columns of the page."""
    if not kept(worklist, actor):
        return drawable(worklist)
    return [(i, column) for i, column, is_shown in arranged(worklist, actor) if is_shown]


def started(worklist: Worklist, actor: Actor, args: MultiDict[str, str]) -> MultiDict[str, str]:
    """The state to show: what the address says, or this person's start when it says nothing."""
    start = kept(worklist, actor).get("start")
    return MultiDict(parse_qsl(str(start))) if start and not args else args


def state_of(worklist: Worklist, args: Mapping[str, str]) -> str:
    """The part of a query string worth keeping: view, sort and filters that name no customer."""
    known = {"tab", "sort", *(f.key for f in worklist.filters if not f.personal)}
    return urlencode({key: value for key, value in args.items() if key in known and value})[:MAX_QUERY]


def names_a_customer(worklist: Worklist, args: Mapping[str, str]) -> bool:
    """Whether a filter is set that finds a customer."""
    return any(args.get(name) for name in (sought.ARGUMENT, *sought.personal(worklist)))
