"""Unit of work: one transaction per request, job or command, owned by the frame and by nobody else.

The frame commits after the handler returned well; any exception rolls back. Services flush, never commit. What must
survive a refusal is a returned result, or goes through `evidence`: a short transaction of its own, before the main
one first writes or after it rolled back, never inside it (SQLite would wait for itself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.db import db, end_read, writing


@dataclass(slots=True)
class Frame:
    """What one unit of work gathers on its way to the commit."""

    write: bool
    evidence_only: bool = False  # a GET: may append to evidence tables, nothing else
    pending: dict[str, list[Any]] = field(default_factory=dict)  # what `last_words` append, by mechanism
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    after_rollback: list[Callable[[], None]] = field(default_factory=list)


_frame: ContextVar[Frame | None] = ContextVar("unit_of_work", default=None)
_first_acts: list[Callable[[], None]] = []
_last_words: list[Callable[[Session, Frame], None]] = []
evidence_tables: set[str] = set()


class WriteOnRead(RuntimeError):
    """A GET tried to change a business table: a defect, never an answer."""


def before_begin(act: Callable[[], None]) -> None:
    """Register what must be ready before a writing transaction starts (class keys); it may not use ``db.session``."""
    _first_acts.append(act)


def last_words(append: Callable[[Session, Frame], None]) -> Callable[[Session, Frame], None]:
    """Register what is appended as the last statements before every commit (the audit log)."""
    if append not in _last_words:
        _last_words.append(append)
    return append


def declare_evidence(*tables: str) -> None:
    """Name tables that a GET marked ``evidence`` may append to (decisions.md 5)."""
    evidence_tables.update(tables)


def running() -> Frame | None:
    """The running frame, or None outside of any."""
    return _frame.get()


def current() -> Frame:
    """The running frame; outside of one there is nothing to gather for, which is a defect."""
    frame = _frame.get()
    if frame is None:
        raise RuntimeError("no unit of work is running")
    return frame


def after_commit(act: Callable[[], None]) -> None:
    """Run ``act`` once the transaction is durable (destroy a key, wake the worker). Must be idempotent."""
    current().after_commit.append(act)


def after_rollback(act: Callable[[], None]) -> None:
    """Run ``act`` when the transaction is given up (remove a stored file that nothing will point to)."""
    current().after_rollback.append(act)


@contextmanager
def unit_of_work(*, write: bool = True, evidence_only: bool = False) -> Iterator[Frame]:
    """Run a request handler, a job or a command in one transaction on ``db.session``."""
    if _frame.get() is not None:
        raise RuntimeError("units of work do not nest; use evidence() before or after")
    if write:
        _run(_first_acts)
    frame = Frame(write=write, evidence_only=evidence_only)
    frame_token, write_token = _frame.set(frame), writing.set(write)
    try:
        yield frame
        _finish(db.session(), frame)
    except BaseException:
        db.session.rollback()
        _run(frame.after_rollback)
        raise
    finally:
        _frame.reset(frame_token)
        writing.reset(write_token)
    _run(frame.after_commit)


@contextmanager
def savepoint() -> Iterator[None]:
    """A part of the running unit of work that can fail alone.

    An exception takes back its rows and with them the audit events, messages and after-acts that it gathered; it goes
    on to the caller, who may catch it and carry on.
    """
    frame, session = current(), db.session()
    session.flush()
    gathered = {name: len(entries) for name, entries in frame.pending.items()}
    commits, rollbacks = len(frame.after_commit), len(frame.after_rollback)
    nested = session.begin_nested()
    try:
        yield
        nested.commit()
    except BaseException:
        nested.rollback()
        for name, entries in frame.pending.items():
            del entries[gathered.get(name, 0) :]
        del frame.after_commit[commits:]
        _run(frame.after_rollback[rollbacks:])
        del frame.after_rollback[rollbacks:]
        raise


@contextmanager
def evidence() -> Iterator[Session]:
    """A short transaction of its own for what must survive a refusal. Yields its session.

    Refused while the main transaction already holds the write lock.
    """
    outer = _frame.get()
    if outer is not None and outer.write and db.session().in_transaction():
        raise RuntimeError("evidence() inside a running write transaction")
    _run(_first_acts)
    frame = Frame(write=True)
    frame_token, write_token = _frame.set(frame), writing.set(True)
    session = Session(db.engine)
    try:
        yield session
        _finish(session, frame)
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
        _frame.reset(frame_token)
        writing.reset(write_token)
    _run(frame.after_commit)


def _finish(session: Session, frame: Frame) -> None:
    if not frame.write:
        if session.new or session.dirty or session.deleted or frame.pending:
            raise WriteOnRead("a read-only unit of work has something to write")
        end_read(session)
        return
    session.flush()
    for append in _last_words:
        append(session, frame)
    session.commit()


def _run(acts: list[Callable[[], None]]) -> None:
    for act in acts:
        act()


@event.listens_for(Session, "before_flush")
def _guard_reads(session: Session, _context: object, _instances: object) -> None:
    frame = _frame.get()
    if frame is None or not frame.evidence_only:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if row.__tablename__ not in evidence_tables:
            raise WriteOnRead(f"a GET changed {row.__tablename__}")
