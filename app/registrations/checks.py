"""The claimed fields, and what can be said about each."""

from __future__ import annotations

from enum import StrEnum

FIELDS = ("name", "hospital", "department", "title", "position")


class Verdict(StrEnum):
    """What was verified about a claimed field. Later rights may ask for `SEEN`."""

    SEEN = "seen"  # on the badge
    SEEN_OTHERWISE = "seen_otherwise"  # on another document or by asking the hospital
    CLAIMED_ONLY = "claimed_only"
