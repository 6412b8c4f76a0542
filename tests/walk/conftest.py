"""A demo portal inside the test, and visitors of each role."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.cli.demo import cases, directory, repairs
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff.models import RoleAssignment
from tests.factories import staff
from tests.inspector import Inspector
from tests.walk.walk import Answer

HOSPITALS, CASES = 40, 24


@pytest.fixture
def demo(app: Portal) -> Portal:
    """The demo's own content on this test's database; accounts without the cost of a password."""
    from app.cli.demo import staff as people
    from app.dealers.models import Dealer
    from app.staff.roles import Role

    with app.app_context():
        directory.load(random.Random(7), HOSPITALS)
        with unit_of_work():
            db.session.add(Dealer(name="沪演示器械经销"))
            for role in Role:
                for n, email in enumerate(people.addresses(role)):
                    lead = (role.value, None, n == 0 and role is Role.REVIEWER)
                    staff.account(lead, name=f"{'甲乙'[n]}演示", email=email)
        cases.load(random.Random(8), CASES)
        repairs.load(random.Random(9), each=2)
    return app


@pytest.fixture
def visitor(demo: Portal) -> Callable[[str], Inspector]:
    """A signed-in client of the first demo account with the role."""

    def sign_in(role: str) -> Inspector:
        with demo.app_context():
            first = sa.select(RoleAssignment.staff_id).where(RoleAssignment.role == role)
            staff_id = db.session.scalars(first.order_by(RoleAssignment.lead.desc(), RoleAssignment.staff_id)).first()
        return staff.client_of(demo, staff_id)

    return sign_in


def fetcher(client: Inspector, suffix: str = "") -> Callable[[str], Answer]:
    """Fetch as this client; ``suffix`` (lang=en) is added to every address."""

    def fetch(path: str) -> Answer:
        joined = f"{path}{'&' if '?' in path else '?'}{suffix}" if suffix else path
        answer = client.get(joined, follow_redirects=True)
        text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        return Answer(answer.status_code, answer.mimetype, text, answer.request.full_path.rstrip("?"))

    return fetch
