"""What a report is narrowed to by its address: a period and perhaps one province of the actor's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.hospitals import provinces
from app.ui.frame import language
from app.ui.period import Period, read_period


@dataclass(frozen=True, slots=True)
class Narrowed:
    """``refusal`` says what was wrong with the address; the rest is then the usual."""

    period: Period
    province: str | None
    provinces: Sequence[tuple[str, Any]]
    refusal: Invalid | None = None

    @property
    def instants(self) -> tuple[datetime, datetime]:
        return self.period.instants()

    @property
    def context(self) -> dict[str, Any]:
        """What `ui/period.html` needs."""
        return {
            "period": self.period, "refusal": self.refusal, "province": self.province or "",
            "today": Period.latest(), "provinces": self.provinces,
        }  # fmt: skip

    @property
    def address(self) -> dict[str, Any]:
        """The arguments of an address that shows the same."""
        return {"from": str(self.period.first), "to": str(self.period.last), "province": self.province}


def read(actor: Actor, permission: Permission, args: Mapping[str, str]) -> Narrowed:
    """A province outside of the actor's is refused, not silently widened. Raises Forbidden without the right."""
    mine = actor.scope(permission)
    known = [(code, name) for code, name in provinces.choices(language()) if mine is None or code in mine]
    period, refusal = read_period(args)
    province = args.get("province", "") or None
    if province is not None and province not in {code for code, _name in known}:
        province, refusal = None, refusal or Invalid(_l("没有这个省份，或它不在您的范围内。"), code="province_unknown")
    return Narrowed(period, province, known, refusal)
