"""What is tested and checked where the device stands, by its product line; all of it is mandatory unless marked.

The tests are those of the depot's list that need no bench; a model that no line claims is tested for what every device
has. Two checks are the same everywhere: the department was told, and nothing was left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.dealers.lines import ProductLine, line_of
from app.tickets.bench import FIELD_CHECKS, TESTS, Check
from app.tickets.models import Ticket
from app.tickets.service.depot_release import Measured

SCOPES = (ProductLine.GASTRO, ProductLine.RESPIRATORY, ProductLine.UROLOGY, ProductLine.SURGICAL)
SCOPE_TESTS = ("leak", "image", "angulation", "channels", "function", "outside")
TESTS_OF: Mapping[ProductLine, Sequence[str]] = {
    **dict.fromkeys(SCOPES, SCOPE_TESTS),
    ProductLine.SYSTEMS: ("image", "function", "outside"),
    ProductLine.REPROCESSING: ("function", "outside"),
}
ANY_DEVICE = ("function", "outside")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The list for one ticket."""

    tests: Sequence[Check]
    checks: Mapping[str, Any]


def sheet_for(row: Ticket) -> Sheet:
    """By the model of the ticket."""
    line = line_of(row.device_model or "")
    keys = TESTS_OF.get(line, ANY_DEVICE) if line is not None else ANY_DEVICE
    return Sheet([TESTS[key] for key in keys], FIELD_CHECKS)


def whole(row: Ticket, filled: Sequence[Measured]) -> list[Measured]:
    """The whole list: what was not sent counts as not done, what the list does not have is left out."""
    sent, sheet = {one.key: one for one in filled}, sheet_for(row)
    keys = [*(test.key for test in sheet.tests), *sheet.checks]
    return [sent.get(key, Measured(key, None)) for key in keys]
