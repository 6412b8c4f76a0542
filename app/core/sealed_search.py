"""Search in sealed text without opening it: keyed, truncated tokens of its pairs of characters (decisions.md 11).

A row per distinct gram and text, found by primary key on both databases. Tokens are cut to six bytes of a keyed hash:
who reads the table alone sees which texts share a pair, and no words. A hit is a candidate only: whoever searches
opens the text and compares (`rechecked`), on at most `CANDIDATES` of them. Erasure removes the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapped, aliased

from app.core import keys
from app.core.columns import DataClass, plain
from app.core.db import Base, db
from app.core.search import bigrams, normalise

TOKEN_BYTES = 6
CANDIDATES = 200
QUERY_MAX_CHARS = 40
QUERY_MIN_CHARS = 2
COUNTED = 1_000  # rows of a pair, to see which is the rarest


class SealedToken(Base):
    """One token of one text. Each index has a key of its own, so tokens of two indexes never compare."""

    __tablename__ = "sealed_token"

    token: Mapped[bytes] = plain(sa.LargeBinary(TOKEN_BYTES), primary_key=True, cls=DataClass.FREE_TEXT)
    ref_id: Mapped[UUID] = plain(primary_key=True, index=True)


class SealedSearch:
    """A named index. Kept by the service that writes the sealed text, in its transaction."""

    def __init__(self, name: str) -> None:
        self.purpose = keys.declare(f"tokens:{name}")

    def put(self, ref_id: UUID, text: str) -> None:
        """Index ``text`` under ``ref_id``, which is not indexed yet."""
        self.put_many([(ref_id, text)])

    def put_many(self, rows: Iterable[tuple[UUID, str]]) -> None:
        values = [
            {"token": token, "ref_id": ref_id}
            for ref_id, text in rows
            for token in sorted({keys.mac(self.purpose, gram.encode())[:TOKEN_BYTES] for gram in bigrams(text)})
        ]
        if values:
            db.session.execute(sa.insert(SealedToken), values)

    def remove(self, ref_id: UUID) -> None:
        db.session.execute(sa.delete(SealedToken).where(SealedToken.ref_id == ref_id))

    def candidates(self, query: str, ref: InstrumentedAttribute[UUID]) -> list[sa.ColumnElement[bool]]:
        """Conditions that the text of row ``ref`` may hold every word of ``query``; FALSE when nothing can be asked."""
        grams = [gram for gram in bigrams(query[:QUERY_MAX_CHARS]) if len(gram) >= QUERY_MIN_CHARS]
        if not grams:
            return [sa.false()]
        return [self._gram(gram, ref) for gram in grams]

    def latest(self, query: str) -> tuple[Any, list[sa.ColumnElement[bool]]] | None:
        """Tokens of the query's rarest pair, to select from, newest text first by ``ref_id``; and the conditions that
        stand for all of the query. None when nothing can be asked. For tables of which the query is the only limit."""
        grams = [gram for gram in bigrams(query[:QUERY_MAX_CHARS]) if len(gram) >= QUERY_MIN_CHARS]
        if not grams:
            return None
        rarest = grams[0] if len(grams) == 1 else self._rarest(grams)
        found = aliased(SealedToken)
        return found, [
            _one_of(found.token, self._tokens(rarest)),
            *(self._gram(gram, found.ref_id) for gram in grams if gram != rarest),
        ]  # fmt: skip

    def _rarest(self, grams: list[str]) -> str:
        """Counted no further than `COUNTED` each, in one statement."""
        counts = [
            sa.select(sa.func.count()).select_from(
                sa.select(sa.literal(1)).where(_one_of(SealedToken.token, self._tokens(gram))).limit(COUNTED).subquery()
            ).scalar_subquery()
            for gram in grams
        ]  # fmt: skip
        found = db.session.execute(sa.select(*counts)).one()
        return min(zip(found, grams, strict=True), key=lambda pair: pair[0])[1]

    def _tokens(self, gram: str) -> list[bytes]:
        return [mac[:TOKEN_BYTES] for mac in keys.macs(self.purpose, gram.encode())]

    def _gram(self, gram: str, ref: InstrumentedAttribute[UUID]) -> sa.ColumnElement[bool]:
        found = sa.select(sa.literal(1)).where(SealedToken.token.in_(self._tokens(gram)), SealedToken.ref_id == ref)
        return found.correlate_except(SealedToken).exists()


def _one_of(column: Any, tokens: list[bytes]) -> sa.ColumnElement[bool]:
    """By one key the index gives its rows in order; by two, while a key is exchanged, they are sorted."""
    return column == tokens[0] if len(tokens) == 1 else column.in_(tokens)  # type: ignore[no-any-return]


def rechecked(text: str | None, query: str) -> bool:
    """Whether the opened text really holds every word of ``query``."""
    held = normalise(text or "")
    return all(word in held for word in normalise(query[:QUERY_MAX_CHARS]).split())
