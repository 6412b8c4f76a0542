"""Encrypted personal values on models.

::

    class Customer(Base):
        subject_id: Mapped[uuid.UUID] = plain(nullable=False)
        phone_sealed: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
        phone_index: Mapped[bytes | None] = index_column(DataClass.CONTACT)
        phone_tail: Mapped[bytes | None] = index_column(DataClass.CONTACT, index=True)
        phone = Sealed("phone_sealed", by="subject", index="phone_index", tail="phone_tail", normalise=to_e164)

Assigning encrypts and sets the indexes; reading decrypts once per instance. ``by="subject"`` takes the key of the
person (``subject_id``, see `core.keys.new_subject`): destroying it makes the value unreadable in backups too, and
reading then raises Gone. On the class, ``Customer.phone.matches("+8613800000000")`` is a SQL clause. The last-four
index is a hash cut to 16 bits; it tells rows with equal tails apart from others and no more (accepted, see the ADR).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import keys
from app.core.db import Base, db
from app.core.keys import cipher, keystore, ledger

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

Normalise = Callable[[str], str]
Opener = Callable[..., str | None]
TAIL_CHARS = 4
TAIL_BYTES = 2
CACHE = "_sealed_values"

sealed_attributes: dict[tuple[str, str], Sealed] = {}  # by (table, attribute): rotation and the catalogue tests


class Sealed:
    """The descriptor. ``column``, ``index`` and ``tail`` name attributes of the same model."""

    def __init__(
        self,
        column: str,
        *,
        by: Literal["class", "subject"] = "class",
        index: str | None = None,
        tail: str | None = None,
        normalise: Normalise | None = None,
    ) -> None:
        self.column, self.by, self.index, self.tail = column, by, index, tail
        self.normalise: Normalise = normalise or str.strip
        self.name = self.table = ""
        self.owner: type[Any] = object

    def __set_name__(self, owner: type[Any], name: str) -> None:
        table = owner.__dict__.get("__tablename__")
        if table is None:
            raise TypeError(f"{owner.__name__}.{name}: Sealed belongs on a model with a __tablename__")
        self.owner, self.name, self.table = owner, name, table
        sealed_attributes[table, name] = self
        if self.index or self.tail:
            keys.declare(self.index_purpose)
        if self.by == "class":  # the class is known once the column is; every class key exists anyway
            keys.places.add((table, self.column))
        else:
            keys.subject_columns.add((table, "subject_id"))

    @property
    def place(self) -> str:
        """``table.column``: part of the associated data."""
        return f"{self.table}.{self.column}"

    @property
    def index_purpose(self) -> str:
        return f"index:{self.place}"

    @property
    def class_purpose(self) -> str:
        """The class key of the column's data class."""
        column = sa.inspect(self.owner).columns[self.column]
        return f"class:{column.info['class'].value}"

    @overload
    def __get__(self, row: None, owner: type[Any]) -> SealedClauses: ...
    @overload
    def __get__(self, row: object, owner: type[Any]) -> str | None: ...
    def __get__(self, row: Any, owner: type[Any]) -> SealedClauses | str | None:
        if row is None:
            return SealedClauses(self)
        blob: bytes | None = getattr(row, self.column)
        if blob is None:
            return None
        held = row.__dict__.setdefault(CACHE, {})
        known = held.get(self.name)
        if known is None or known[0] != blob:  # loaded again with another value in the meantime
            secret = keystore.key(row.subject_id) if self.by == "subject" else None
            known = held[self.name] = (blob, self.decrypt(row.id, blob, secret))
        return known[1]  # type: ignore[no-any-return]

    def __set__(self, row: Any, value: str | None) -> None:
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{self.table}.{self.name} takes text or None")
        row.__dict__.setdefault(CACHE, {}).pop(self.name, None)
        full, tail = self.indexes(value)
        setattr(row, self.column, None if value is None else self._encrypt(row, value))
        if self.index:
            setattr(row, self.index, full)
        if self.tail:
            setattr(row, self.tail, tail)
        if value is not None:
            row.__dict__[CACHE][self.name] = (getattr(row, self.column), value)

    def _encrypt(self, row: Any, value: str) -> bytes:
        if row.id is None:
            raise TypeError(f"{self.table}.{self.name}: the row needs its id before a sealed value")
        if self.by == "class":
            return keys.seal(self.class_purpose, self.place, row.id, value.encode())
        if row.subject_id is None:
            raise TypeError(f"{self.table}.{self.name}: set subject_id before a value sealed by subject")
        secret = AESGCM(keystore.key(row.subject_id))
        return cipher.encrypt(secret, cipher.OWN_KEY, value.encode(), cipher.place_data(self.place, row.id))

    def decrypt(self, row_id: uuid.UUID, blob: bytes, subject_key: bytes | None = None) -> str:
        """The text behind ``blob``. Raises `keys.Unreadable` when it belongs elsewhere or is damaged."""
        if self.by == "class":
            return keys.open(self.place, row_id, blob).decode()
        if subject_key is None:
            raise keys.Unreadable("no subject key given")
        bound_to = cipher.place_data(self.place, row_id)
        return cipher.decrypt(AESGCM(subject_key), cipher.OWN_KEY, blob, bound_to).decode()

    def indexes(self, value: str | None) -> tuple[bytes | None, bytes | None]:
        """What goes into the index and tail columns for ``value`` under the active index key."""
        if value is None or not (self.index or self.tail):
            return None, None
        normal = self.normalise(value)
        full = keys.mac(self.index_purpose, b"full|" + normal.encode()) if self.index else None
        tail = keys.mac(self.index_purpose, _tail(normal))[:TAIL_BYTES] if self.tail else None
        return full, tail


class SealedClauses:
    """What ``Model.attribute`` gives on the class: SQL clauses and the opener for worklists."""

    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed

    @property
    def column(self) -> InstrumentedAttribute[Any]:
        """The ciphertext column, for queries that select columns instead of objects."""
        return getattr(self.sealed.owner, self.sealed.column)  # type: ignore[no-any-return]

    def matches(self, value: str) -> sa.ColumnElement[bool]:
        """Rows whose normalised value equals ``value``'s. Raises what the normaliser raises (errors.Invalid)."""
        column = self._index(self.sealed.index)
        data = b"full|" + self.sealed.normalise(value).encode()
        return _among(column, keys.macs(self.sealed.index_purpose, data))

    def tail_matches(self, last_four: str) -> sa.ColumnElement[bool]:
        """Rows that may end in these four characters: one in 65,536 others comes along; recheck after opening."""
        column = self._index(self.sealed.tail)
        found = [mac[:TAIL_BYTES] for mac in keys.macs(self.sealed.index_purpose, _tail(last_four.strip()))]
        return _among(column, found)

    def opener(self) -> Opener:
        """``open(row_id, blob, subject_key=None) -> str | None`` for rows of columns; None where erased or empty."""
        sealed, own = self.sealed, self.sealed.by == "subject"

        def open_value(row_id: uuid.UUID, blob: bytes | None, subject_key: bytes | None = None) -> str | None:
            if blob is None or (own and subject_key is None):
                return None
            return sealed.decrypt(row_id, blob, subject_key)

        return open_value

    def _index(self, name: str | None) -> InstrumentedAttribute[Any]:
        if name is None:
            raise TypeError(f"{self.sealed.table}.{self.sealed.name} has no such index")
        return getattr(self.sealed.owner, name)  # type: ignore[no-any-return]


def _among(column: InstrumentedAttribute[Any], found: list[bytes]) -> sa.ColumnElement[bool]:
    return column == found[0] if len(found) == 1 else column.in_(found)


def _tail(normal: str) -> bytes:
    return b"tail|" + normal[-TAIL_CHARS:].encode()


def forget_indexes(destroyed: Mapping[uuid.UUID, Any]) -> int:
    """After a restore: rows of persons whose keys were destroyed lose their blind indexes again."""
    ids, done = sorted(destroyed), 0
    for sealed in sealed_attributes.values():
        names = [name for name in (sealed.index, sealed.tail) if name]
        if sealed.by != "subject" or not names or sealed.table not in Base.metadata.tables:
            continue
        table = Base.metadata.tables[sealed.table]
        held = sa.or_(*(table.c[name].is_not(None) for name in names))
        for start in range(0, len(ids), keystore.BATCH):
            of_them = table.c.subject_id.in_(ids[start : start + keystore.BATCH])
            found: Any = db.session.execute(sa.update(table).where(of_them, held).values(dict.fromkeys(names)))
            done += found.rowcount
    return done


ledger.replayers.add("indexes", forget_indexes)
