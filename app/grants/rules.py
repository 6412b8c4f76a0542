"""The rules of grants as versioned policy: which position may have what, and where one approver stops being enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.grants.lookback import CHOICES
from app.grants.models import GrantPolicy

EXCEPTION = "exception"
MONTHS_CEILING = 12  # of a grant's life, whatever the policy says
# key: (floor, ceiling, words); all are editable within these
LIMITS: dict[str, tuple[int, int, Any]] = {
    "max_months": (1, MONTHS_CEILING, _l("一项权限最长几个月")),
    "max_departments": (1, 20, _l("一人批准最多几个科室")),
    "lookback_alone": (3, 60, _l("一人批准最多回看几个月")),
    "pause_days": (1, 30, _l("暂停后几天内须重新确认，过期即失效")),
    "renew_days": (7, 90, _l("到期前几天起可以续期")),
}


@dataclass(frozen=True, slots=True)
class PositionRule:
    """One row of the matrix. It holds for a position (exactly as registered) or for whoever works in a department."""

    code: str
    label: str
    positions: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    advanced: bool = True  # whether the advanced level may rest on it without an exception

    def covers(self, position: str, department: str) -> bool:
        return _plain(position) in map(_plain, self.positions) or _plain(department) in map(_plain, self.departments)


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the policy."""

    matrix: tuple[PositionRule, ...]
    max_months: int = 12
    max_departments: int = 3
    lookback_alone: int = 24
    pause_days: int = 14
    renew_days: int = 30
    version: int = 0

    def basis_of(self, position: str, department: str) -> str:
        """Code of the matrix row that a position may rest on, or "exception"."""
        found = (rule.code for rule in self.matrix if rule.advanced and rule.covers(position, department))
        return next(found, EXCEPTION)

    def label_of(self, code: str | None) -> Any:
        if code == EXCEPTION:
            return _l("例外")
        return next((rule.label for rule in self.matrix if rule.code == code), code or "")

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values.pop("version")
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any], version: int) -> Rules:
        matrix = tuple(
            PositionRule(r["code"], r["label"], tuple(r["positions"]), tuple(r["departments"]), r["advanced"])
            for r in values["matrix"]
        )
        return cls(matrix, version=version, **{key: values[key] for key in LIMITS})


FIRST = Rules(
    (
        PositionRule("department_head", "科主任、副主任", ("科主任", "科副主任", "主任", "副主任")),
        PositionRule("head_nurse", "护士长", ("护士长", "副护士长", "总护士长")),
        PositionRule(
            "equipment", "设备科、医学工程", ("设备科科长", "设备工程师", "医学工程师"),
            ("设备科", "医学工程科", "医学装备科"),
        ),
        PositionRule("other", "其他职务", advanced=False),
    )
)  # fmt: skip


def seed() -> int:
    """The first version, where there is none. Idempotent."""
    if db.session.execute(sa.select(GrantPolicy.version).limit(1)).first() is not None:
        return 0
    db.session.add(GrantPolicy(version=1, content=FIRST.to_json(), note="1", created_at=clock.now()))
    db.session.flush()
    return 1


def current() -> Rules:
    """The version in force."""
    row = db.session.scalar(sa.select(GrantPolicy).order_by(GrantPolicy.version.desc()).limit(1))
    return Rules.from_json(row.content, row.version) if row is not None else FIRST


def of_version(version: int) -> Rules:
    """The rules that a grant was decided under."""
    row = db.session.get(GrantPolicy, version)
    return Rules.from_json(row.content, row.version) if row is not None else FIRST


def versions() -> Sequence[GrantPolicy]:
    return db.session.scalars(sa.select(GrantPolicy).order_by(GrantPolicy.version.desc())).all()


def checked(rules: Rules) -> Rules:
    """The rules with their texts in order; raises Invalid naming what cannot be."""
    errors: dict[str, list[Any]] = {}
    for key, (floor, ceiling, _words) in LIMITS.items():
        if not floor <= getattr(rules, key) <= ceiling:
            errors[key] = [_l("请输入 %(floor)s 到 %(ceiling)s 之间的数值。", floor=floor, ceiling=ceiling)]
    if rules.lookback_alone not in CHOICES:
        errors["lookback_alone"] = [_l("请选择列出的月数。")]
    matrix = tuple(
        replace(
            rule,
            label=rule.label.strip(),
            positions=tuple(dict.fromkeys(filter(None, map(str.strip, rule.positions)))),
            departments=tuple(dict.fromkeys(filter(None, map(str.strip, rule.departments)))),
        )
        for rule in rules.matrix
    )
    if not any(rule.advanced for rule in matrix) or not all(rule.label for rule in matrix):
        errors["matrix"] = [_l("至少要有一类职务可以作为依据，每类都要有名称。")]
    words = [_plain(word) for rule in matrix for word in (*rule.positions, *rule.departments)]
    if len(words) != len(set(words)):
        errors["matrix"] = [_l("同一个职务或科室只能写在一类里。")]
    if errors:
        raise Invalid(fields=errors)
    return replace(rules, matrix=matrix)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
