"""Signed checkpoints, kept apart from the database: what a chain alone cannot show, they do.

A chain finds a changed row; it cannot find a tail cut off, or a whole chain computed anew by somebody who owns the
database. A checkpoint says under an Ed25519 signature which hash stood at which number. They are numbered and linked,
written create-only under ``settings.audit_checkpoint_url`` (folder or S3, there with object lock). Once a month is
over, its final checkpoint lets the whole month be dropped after its retention.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from flask import current_app
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, S3Store

from app.core import clock
from app.core.audit.chain import canonical, read_head
from app.core.audit.models import AuditCheckpoint, AuditEvent
from app.core.audit.signing import private_key
from app.core.db import db
from app.core.unit_of_work import unit_of_work

FORMAT = 1
READERS = 16  # parallel reads of the store
FIRST_PREVIOUS = "0" * 64
EMPTY_CHAIN = "0000-00"  # of a restored database whose log was empty
MAX_CATCH_UP = 10_000


class CheckpointError(RuntimeError):
    """The store does not answer, or holds a checkpoint that contradicts the database."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint as the store holds it. ``digest`` is SHA-256 over the signed body."""

    number: int
    chain: str
    seq: int
    hash: str
    count: int
    at: str
    final: bool
    previous: str
    digest: str
    genuine: bool  # the signature is ours and covers what is said
    restored: bool = False  # the database was restored to this row: what earlier checkpoints say beyond it is void


def store() -> Any:
    """The store of ``settings.audit_checkpoint_url``: ``file:///folder`` or ``s3://bucket?endpoint=…&region=…``.

    S3 takes PORTAL_AUDIT_CHECKPOINT_ACCESS_KEY_ID and _SECRET_ACCESS_KEY: a second account that may create and read
    objects, never replace or delete them. Raises CheckpointError when the store cannot be opened.
    """
    parts = urlsplit(current_app.extensions["settings"].audit_checkpoint_url)
    try:
        if parts.scheme == "file":
            return LocalStore(Path(unquote(parts.path)), mkdir=True)
        if parts.scheme == "s3":
            return _s3(parts.netloc, dict(parse_qsl(parts.query)))
    except (BaseError, ValueError, OSError) as error:
        raise CheckpointError(f"the checkpoint store cannot be opened: {type(error).__name__}") from error
    raise CheckpointError("PORTAL_AUDIT_CHECKPOINT_URL must start with file:// or s3://")


def _s3(bucket: str, query: dict[str, str]) -> S3Store:
    endpoint = query.get("endpoint", "")
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=query.get("region", "us-east-1"),
        access_key_id=os.environ.get("PORTAL_AUDIT_CHECKPOINT_ACCESS_KEY_ID", ""),
        secret_access_key=os.environ.get("PORTAL_AUDIT_CHECKPOINT_SECRET_ACCESS_KEY", ""),
        virtual_hosted_style_request=query.get("style", "path") == "virtual",
        client_options={"timeout": "20s", "connect_timeout": "3s", "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2},
    )


def write() -> list[Checkpoint]:
    """Write the checkpoints that are due: final ones of months that are over, then one of the present head.

    Runs outside of any transaction: the store is on the network. Raises CheckpointError.
    """
    written: list[Checkpoint] = []
    place = store()
    for _round in range(MAX_CATCH_UP):
        with unit_of_work(write=False):
            wanted = _next()
        if wanted is None:
            return written
        text = _sign(wanted)
        try:
            obstore.put(place, _name(wanted["number"]), text, mode="create")
        except AlreadyExistsError:  # another worker was faster, or the database is older than the store
            text = bytes(obstore.get(place, _name(wanted["number"])).bytes())
        except BaseError as error:
            raise CheckpointError(f"the checkpoint store does not answer: {type(error).__name__}") from error
        checkpoint = parse(text)
        if checkpoint is None or not checkpoint.genuine or checkpoint.previous != wanted["previous"]:
            raise CheckpointError(f"checkpoint {wanted['number']} in the store is not one of this chain")
        with unit_of_work():
            _remember(checkpoint)
        written.append(checkpoint)
    return written


def write_restored() -> Checkpoint:
    """Say under the signature that the log goes on from its present end, which a restored backup made earlier.

    What checkpoints between said about later rows is void from here on; verification counts them as lost, not as cut
    off. Numbered after the highest of the store. Raises CheckpointError.
    """
    found = [mark for _name, mark in read_all() if mark is not None and mark.genuine]
    last = max(found, key=lambda mark: mark.number, default=None)
    with unit_of_work(write=False):
        head = read_head(db.session())
    chain, seq, row_hash = (head.chain, head.seq, head.row_hash) if head else (EMPTY_CHAIN, 0, FIRST_PREVIOUS)
    body = {
        "v": FORMAT,
        "number": last.number + 1 if last else 1,
        "previous": last.digest if last else FIRST_PREVIOUS,
        "at": clock.now(),
        "chain": chain,
        "seq": seq,
        "count": seq,
        "hash": row_hash,
        "final": False,
        "restored": True,
    }
    text = _sign(body)
    try:
        obstore.put(store(), _name(int(str(body["number"]))), text, mode="create")
    except (AlreadyExistsError, BaseError) as error:
        raise CheckpointError(f"the checkpoint store does not answer: {type(error).__name__}") from error
    mark = parse(text)
    assert mark is not None
    with unit_of_work():
        _remember(mark)
    return mark


def _next() -> dict[str, Any] | None:
    """The body of the next checkpoint, or None when nothing changed since the last one."""
    last = db.session.scalar(sa.select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(1))
    head = read_head(db.session())
    if head is None:
        return None
    body = {
        "v": FORMAT,
        "number": last.number + 1 if last else 1,
        "previous": last.digest if last else FIRST_PREVIOUS,
        "at": clock.now(),
    }
    closed = _first_open_end(last)
    if closed is not None:
        chain, seq, row_hash = closed
        return {**body, "chain": chain, "seq": seq, "count": seq, "hash": row_hash, "final": True}
    if last is not None and (last.chain, last.seq) == (head.chain, head.seq):
        return None
    return {**body, "chain": head.chain, "seq": head.seq, "count": head.seq, "hash": head.row_hash, "final": False}


def _first_open_end(last: AuditCheckpoint | None) -> tuple[str, int, str] | None:
    """The end of the oldest month that is over and has no final checkpoint: nobody appends to it any more."""
    after = "" if last is None else last.chain
    begun = AuditEvent.chain > after if last is None or last.final else AuditEvent.chain >= after
    chains = db.session.scalars(sa.select(AuditEvent.chain).where(begun).distinct().order_by(AuditEvent.chain).limit(2))
    found = list(chains)
    if len(found) < 2:
        return None
    end = db.session.execute(
        sa.select(AuditEvent.chain, AuditEvent.seq, AuditEvent.row_hash)
        .where(AuditEvent.chain == found[0])
        .order_by(AuditEvent.seq.desc())
        .limit(1)
    ).one()
    return end.chain, end.seq, end.row_hash


def _remember(checkpoint: Checkpoint) -> None:
    if db.session.get(AuditCheckpoint, checkpoint.number) is None:
        db.session.add(
            AuditCheckpoint(
                number=checkpoint.number,
                chain=checkpoint.chain,
                seq=checkpoint.seq,
                hash=checkpoint.hash,
                final=checkpoint.final,
                at=clock.now(),
                digest=checkpoint.digest,
            )
        )
        db.session.flush()


def _name(number: int) -> str:
    return f"audit-{number:010d}.json"


def _sign(body: dict[str, Any]) -> bytes:
    said = canonical(body)
    signature = base64.b64encode(private_key().sign(said)).decode()
    return json.dumps({"body": said.decode(), "signature": signature}).encode()


def parse(text: bytes) -> Checkpoint | None:
    """Read a file of the store; None when it is none of ours at all."""
    try:
        outer = json.loads(text)
        said = outer["body"].encode()
        body = json.loads(said)
        signature = base64.b64decode(outer["signature"], validate=True)
        names = ("number", "chain", "seq", "hash", "count", "at", "final", "previous")
        values = {name: body[name] for name in names}
        int(values["number"]), int(values["seq"]), int(values["count"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    try:
        private_key().public_key().verify(signature, said)
        genuine = body.get("v") == FORMAT
    except InvalidSignature:
        genuine = False
    restored = body.get("restored") is True
    return Checkpoint(**values, digest=hashlib.sha256(said).hexdigest(), genuine=genuine, restored=restored)


def read_all() -> Iterator[tuple[str, Checkpoint | None]]:
    """Every file of the store by name, in order; None for what cannot be read as a checkpoint."""
    place = store()
    try:
        names = sorted(entry["path"] for batch in obstore.list(place) for entry in batch)
        with ThreadPoolExecutor(READERS) as readers:
            texts = list(readers.map(lambda name: _get(place, name), names))
    except BaseError as error:
        raise CheckpointError(f"the checkpoint store does not answer: {type(error).__name__}") from error
    for name, text in zip(names, texts, strict=True):
        checkpoint = parse(text) if text is not None else None
        yield name, checkpoint if checkpoint and _name(checkpoint.number) == name else None


def _get(place: Any, name: str) -> bytes | None:
    try:
        return bytes(obstore.get(place, name).bytes())
    except NotFoundError:
        return None
