"""Demo accounts: two per role, one password, kept in ``instance/demo-password`` for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.core.db import db
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.dealers.models import Dealer
from app.staff import service
from app.staff.roles import Role

NAMES = {
    Role.REVIEWER: ("沈若拟", "陈样审"),
}
LEADS = (Role.REVIEWER, Role.TRIAGER, Role.GRANT_MANAGER, Role.DISPATCHER)
SURNAMES = "孙李周吴郑王褚卫韩杨朱秦尤"


def password(instance: Path) -> str:
    """The demo password, made at the first call."""
    path = instance / "demo-password"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as out:
        out.write("demo-" + secrets.token_urlsafe(9))
    return path.read_text().strip()


def addresses(role: Role) -> tuple[str, str]:
    return f"{role.value}@demo.invalid", f"{role.value}2@demo.invalid"


def load(secret: str) -> None:
    """The accounts; the first of each role leads its team where roles have leads."""
    with unit_of_work():
        dealer = Dealer(name="沪演示器械经销")
        db.session.add(dealer)
        db.session.flush()
        for i, role in enumerate(Role):
            pair = NAMES.get(role, (f"{SURNAMES[i % 13]}演甲", f"{SURNAMES[(i + 5) % 13]}演乙"))
            for n, (email, name) in enumerate(zip(addresses(role), pair, strict=True)):
                service.create_active(
                    SYSTEM,
                    email,
                    name,
                    secret,
                    roles=[(role, None, n == 0 and role in LEADS)],
                    dealer_id=dealer.id if role is Role.DEALER_USER else None,
                )
