"""Statements under the audit signing key (Ed25519): what the portal says for good and others can check alone.

A statement is canonical JSON that names its ``kind``; checkpoints of the log have none, so that neither passes for the
other. The signature is deterministic: the same facts give the same file, today and in ten years.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app

from app.core.audit.chain import canonical


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement as it was signed; all three are what somebody needs to check it."""

    said: str  # canonical JSON
    signature: str  # base64
    public_key: str  # base64 of the 32 raw bytes

    @property
    def fingerprint(self) -> str:
        """How people compare the key: the first 16 hex digits of its SHA-256."""
        return fingerprint(self.public_key)

    def to_json(self) -> str:
        return json.dumps({"said": self.said, "signature": self.signature, "public_key": self.public_key}, indent=1)


class NotSigned(ValueError):
    """A file that is no statement, or whose signature does not cover what it says."""


def private_key() -> Ed25519PrivateKey:
    """The portal's signing key."""
    return Ed25519PrivateKey.from_private_bytes(current_app.extensions["settings"].audit_signing_key)


def public_key() -> str:
    """Base64 of the 32 raw bytes: what the portal publishes."""
    return base64.b64encode(private_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def fingerprint(public: str) -> str:
    return hashlib.sha256(base64.b64decode(public)).hexdigest()[:16]


def sign(kind: str, facts: Mapping[str, Any]) -> Signed:
    """Sign ``facts`` as a statement of this kind."""
    said = canonical({**facts, "kind": kind})
    return Signed(said.decode(), base64.b64encode(private_key().sign(said)).decode(), public_key())


def check(text: str) -> tuple[dict[str, Any], str]:
    """What a statement's file says, and the fingerprint of the key that signed it. Raises NotSigned.

    Needs no database and no secret; whether the fingerprint is the portal's is for the reader to compare.
    """
    try:
        outer = json.loads(text)
        said, public = outer["said"].encode(), outer["public_key"]
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(outer["signature"], validate=True), said)
        body: dict[str, Any] = json.loads(said)
        body["kind"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotSigned("this file is no signed statement") from error
    except InvalidSignature as error:
        raise NotSigned("the signature does not cover what the file says: it was changed") from error
    return body, fingerprint(public)
