"""Search in Chinese names: overlapping pairs of characters in ordinary rows, the same on SQLite and PostgreSQL.

Trigram indexes know nothing of two Chinese characters (they answer nothing, silently), word parsers depend on the
database's locale. So `SearchIndex` keeps one row per distinct gram and name, finds by primary key, and rechecks every
hit with LIKE on the normalised text. What is found: every word of the query is a substring of the text; a run of Latin
letters or digits is found by its beginning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Mapped, aliased

from app.core.columns import DataClass, plain
from app.core.db import Base, db

QUERY_MAX_CHARS = 60
RUN_MAX_CHARS = 32
_HAN = r"\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<run>(?:(?![{_HAN}])[^\W_])+)")
_UNPRINTABLE = {"Cc", "Cs", "Cf", "Cn", "Co"}
# byte order, so that a range of beginnings can use the index whatever the database's locale
_Gram = sa.String(RUN_MAX_CHARS).with_variant(sa.String(RUN_MAX_CHARS, collation="C"), "postgresql")


class SearchEntry(Base):
    """The normalised text behind a found row, for the recheck; several names of one thing are divided by newlines."""

    __tablename__ = "search_entry"

    index_name: Mapped[str] = plain(sa.String(32), primary_key=True)
    ref_id: Mapped[UUID] = plain(primary_key=True)
    text: Mapped[str] = plain(sa.Text, nullable=False, cls=DataClass.WORK)


class SearchGram(Base):
    """One gram of one entry."""

    __tablename__ = "search_gram"
    __table_args__ = (sa.Index("ix_search_gram_ref", "index_name", "ref_id"),)

    index_name: Mapped[str] = plain(sa.String(32), primary_key=True)
    gram: Mapped[str] = plain(_Gram, primary_key=True, cls=DataClass.WORK)
    ref_id: Mapped[UUID] = plain(primary_key=True)


def normalise(text: str) -> str:
    """NFKC, lower case, one space between words, nothing unprintable (PostgreSQL refuses NUL)."""
    folded = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(
        " " if c.isspace() else c for c in folded if c.isspace() or unicodedata.category(c) not in _UNPRINTABLE
    )
    return " ".join(kept.split())


def bigrams(text: str) -> list[str]:
    """Distinct grams in order: pairs of Chinese characters, a lone one as it is, Latin and digit runs whole."""
    found: dict[str, None] = {}
    for match in _RUNS.finditer(normalise(text)):
        part = match.group()
        if match.lastgroup == "run":
            found[part[:RUN_MAX_CHARS]] = None
        elif len(part) == 1:
            found[part] = None
        else:
            found.update((part[at : at + 2], None) for at in range(len(part) - 1))
    return list(found)


def _indexed(text: str) -> set[str]:
    """What is stored: the bigrams and each single character, so that one character finds too."""
    singles = (c for match in _RUNS.finditer(normalise(text)) if match.lastgroup == "han" for c in match.group())
    return {*bigrams(text), *singles}


class SearchIndex:
    """A named index over the rows of one table. Kept by the service that writes those rows, in its transaction."""

    def __init__(self, name: str) -> None:
        self.name = name

    def put(self, ref_id: UUID, *texts: str) -> None:
        """Index (again) under ``ref_id`` all ``texts``: a name and its aliases."""
        self.put_many([(ref_id, texts)], fresh=False)

    def put_many(self, rows: Iterable[tuple[UUID, Iterable[str]]], *, fresh: bool = True) -> None:
        """Index many; ``fresh`` promises that none of them is indexed yet."""
        entries, grams = [], []
        for ref_id, texts in rows:
            names = [name for name in map(normalise, texts) if name]
            entries.append({"index_name": self.name, "ref_id": ref_id, "text": "\n".join(names)})
            found = sorted(set().union(*map(_indexed, names)))
            grams += [{"index_name": self.name, "gram": gram, "ref_id": ref_id} for gram in found]
            if not fresh:
                self.remove(ref_id)
        for table, values in ((SearchEntry, entries), (SearchGram, grams)):
            if values:
                db.session.execute(sa.insert(table), values)

    def remove(self, ref_id: UUID) -> None:
        for table in (SearchGram, SearchEntry):
            db.session.execute(sa.delete(table).where(table.index_name == self.name, table.ref_id == ref_id))

    def matching(self, query: str, ref: InstrumentedAttribute[UUID]) -> sa.ColumnElement[bool]:
        """The condition that the row whose id is ``ref`` has every word of ``query``. Anything may stand in it.

        A query without a word (empty, spaces) is true for every row.
        """
        words = normalise(query[:QUERY_MAX_CHARS]).split()
        if not words:
            return sa.true()
        entry = aliased(SearchEntry)
        recheck = (
            sa.select(entry.ref_id)
            .where(entry.index_name == self.name, entry.ref_id == ref)
            .where(*(entry.text.contains(word, autoescape=True) for word in words))
        )
        grams = (self._gram(gram, ref) for gram in bigrams(" ".join(words)))
        return sa.and_(*grams, recheck.correlate_except(entry).exists())

    def similar(self, text: str, limit: int) -> list[tuple[UUID, int]]:
        """Entries that share most grams with ``text``, best first, with how many they share: suggestions, no search."""
        grams = bigrams(text)[:QUERY_MAX_CHARS]
        shared = sa.func.count().label("shared")
        rows = db.session.execute(
            sa.select(SearchGram.ref_id, shared)
            .join(SearchEntry, sa.and_(SearchEntry.index_name == self.name, SearchEntry.ref_id == SearchGram.ref_id))
            .where(SearchGram.index_name == self.name, SearchGram.gram.in_(grams))
            .group_by(SearchGram.ref_id)
            .order_by(shared.desc(), sa.func.min(sa.func.length(SearchEntry.text)), SearchGram.ref_id)
            .limit(limit)
        )
        return [(row.ref_id, row.shared) for row in rows]

    def _gram(self, gram: str, ref: InstrumentedAttribute[UUID]) -> sa.ColumnElement[bool]:
        """Rows that have the gram; a Latin or digit run by its beginning."""
        match = _RUNS.match(gram)
        run = match is not None and match.lastgroup == "run"
        wanted = SearchGram.gram.between(gram, gram + "\U0010ffff") if run else SearchGram.gram == gram
        return ref.in_(sa.select(SearchGram.ref_id).where(SearchGram.index_name == self.name, wanted))
