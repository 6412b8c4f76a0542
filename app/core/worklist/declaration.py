"""What a feature writes down about its queue page; plain data and small functions, no HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.sql.elements import ColumnElement

from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.core.worklist.cells import Cell, text

Clause = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``source`` is a mapped column, an expression, or a Sealed attribute's opener through ``sealed``.

    ``sort`` names a not-null expression when the column can be sorted; ``show`` maps the raw value to text before the
    cell draws it (a mask); ``sealed`` is a function (row id, blob, subject key) -> text.
    """

    key: str
    label: Any
    source: Any
    cell: Cell = field(default_factory=text)
    sort: Any = None
    show: Callable[[Any, Actor], Any] | None = None
    sealed: Callable[[], Callable[[Any, Any, bytes | None], str | None]] | None = None
    klass: str = ""
    export: bool = True
    chinese: bool = False  # holds names and words of people, which stay Chinese on pages in another language
    hidden: bool = False  # selected for other cells, not drawn


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the worklist. ``ranges`` gives one list of clauses per index range; rows of all of them are merged.

    Ranges are disjoint, and depend on the actor and on now alone: what they give is kept between requests. Now is a
    `plans.Now` (it compares with columns and takes a timedelta), or a datetime in an export.
    """

    key: str
    label: Any
    ranges: Callable[[Actor, Any], Sequence[Sequence[Clause]]]
    counted: bool = True
    tone: str = ""  # "late": the count is drawn as something to act on
    sort: str | None = None  # overrides the worklist's default, e.g. "-decided"


@dataclass(frozen=True, slots=True)
class Filter:
    """One field of the filter row. ``clause`` returns None when the value can match nothing."""

    key: str
    label: Any
    clause: Callable[[str, Actor], Clause | None]
    kind: str = "text"  # text | select | date
    choices: Callable[[Actor], Sequence[tuple[str, Any]]] | None = None
    wide: bool = False
    more: bool = False  # folded behind 展开
    personal: bool = False  # its value finds a customer (name, phone): never kept in a saved view or a queued export
    few: Callable[[str], bool] = lambda _value: False  # whether this value leaves so few rows that they are sorted


@dataclass(frozen=True, slots=True)
class BulkAction:
    """A POST over ticked rows to an endpoint that shows the preview of `worklist.bulk`, row by row."""

    key: str
    label: Any
    endpoint: str
    permission: Permission


# By key, filled as declarations are made: what saved views, chosen columns and exports can name.
worklists: Registry[Worklist] = Registry("worklists")


@dataclass(frozen=True)
class Worklist:
    """One queue page. Hashable by identity; make it once at import."""

    key: str
    title: Any
    endpoint: str
    permission: Permission
    table: Any  # mapped class; its `id` breaks ties
    columns: Sequence[Column]
    default_sort: str  # "key" or "-key" of a sortable column
    row_endpoint: str
    row_argument: str  # URL argument, and the key of the column that holds its value
    lead: str | None = None  # key of the column that links to the row and is never hidden; default: row_argument
    tabs: Sequence[Tab] = ()
    filters: Sequence[Filter] = ()
    scope: Callable[[Actor], Sequence[Clause]] = lambda _actor: ()  # from the actor alone: kept between requests
    joins: Sequence[tuple[Any, Clause]] = ()
    subject: Any = None  # column holding the subject id, when a column is sealed by subject
    drawer_endpoint: str | None = None
    bulk: Sequence[BulkAction] = ()
    version: Any = None  # the column that tells whether a row changed since it was shown; needed for bulk actions
    export_permission: Permission | None = None
    page_size: int = 50
    view_args: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __post_init__(self) -> None:
        if self.sort_column(self.default_sort.lstrip("-")) is None:
            raise ValueError(f"{self.key}: default sort {self.default_sort!r} is not a sortable column")
        if self.bulk and self.version is None:
            raise ValueError(f"{self.key}: bulk actions need a version column, to refuse stale rows")
        worklists.add(self.key, self)

    @property
    def lead_column(self) -> Column:
        """The column whose text names the row for people."""
        key = self.lead or self.row_argument
        return next(column for column in self.columns if column.key == key)

    def sort_column(self, key: str) -> Any:
        """The expression behind a sort key, or None: the allow-list of sorts."""
        return next((c.sort for c in self.columns if c.key == key and c.sort is not None), None)

    def tab(self, key: str | None) -> Tab | None:
        return next((t for t in self.tabs if t.key == key), self.tabs[0] if self.tabs else None)
