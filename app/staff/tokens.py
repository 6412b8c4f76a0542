"""Random tokens for cookies and one-time links; the database keeps only their hash."""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN_BYTES = 32
TOKEN = re.compile(r"^[A-Za-z0-9_-]{43}$")


def new_token() -> str:
    """256 bits from the system's source, as 43 characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """A plain SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
