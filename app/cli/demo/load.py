"""``flask demo load``: everything of the demo, once, from one seed."""

from __future__ import annotations

import random

import click
import sqlalchemy as sa
from flask.cli import AppGroup

import config
from app.cli.demo import badges, cases, directory, dispatch, grants, people, readings, repairs, safety, staff, tickets
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.registrations import service as registrations
from app.staff.models import StaffAccount
from app.staff.roles import ROLES, Role

SIZES = {"small": (2_000, 300), "medium": (2_000, 2_000), "large": (2_000, 10_000)}  # hospitals, registrations
SEED = 20_261_123


def load(app: Portal, size: str = "small", seed: int = SEED) -> None:
    """Load the demo into an empty database. Refuses in production and when accounts exist."""
    settings: config.Settings = app.extensions["settings"]
    if settings.production:
        raise click.ClickException("demo data cannot be loaded in production")
    if _loaded():
        raise click.ClickException("this database has data already; remove instance/ to begin again")
    hospitals, count = SIZES[size]
    rng = random.Random(seed)
    directory.load(rng, hospitals)
    cases_rng = random.Random(seed + 1)
    staff.load(staff.password(settings.instance))
    cases.load(cases_rng, count)
    readings.load(random.Random(seed + 4))
    tickets.load(random.Random(seed + 2), count)
    repairs.load(random.Random(seed + 5))
    safety.load()
    dispatch.load(random.Random(seed + 5), staff.password(settings.instance))
    grants.load(random.Random(seed + 3))
    people.load(random.Random(seed + 3))
    with unit_of_work():
        registrations.settle_due()
        db.session.execute(
            sa.update(Message).where(Message.state == MessageState.WAITING).values(state=MessageState.CANCELLED)
        )
    sample = badges.Badge("东海示范人民医院", "冯虚构", "消化内镜中心", "主管护师", "护士长", "YB-000001")
    (settings.instance / "demo-badge.jpg").write_bytes(badges.draw(sample, random.Random(seed), "plain"))


def load_once(app: Portal) -> None:
    """At the first start; later starts keep what is there."""
    if not _loaded():
        print("loading demo data, once …", flush=True)
        load(app)


def announce(app: Portal, address: str) -> None:
    """Where the portal is and who may sign in."""
    secret = staff.password(app.extensions["settings"].instance)
    print(f"\n  {address}\n\n  password of all demo accounts: {secret}\n", flush=True)
    for role in Role:
        first, second = staff.addresses(role)
        print(f"  {first:<38} {second:<38} {ROLES[role].label}", flush=True)
    print("\n  outgoing messages appear below, one JSON line each; Ctrl-C ends all\n", flush=True)


def _loaded() -> bool:
    with unit_of_work(write=False):
        return db.session.execute(sa.select(StaffAccount.id).limit(1)).first() is not None


def register(app: Portal) -> None:
    group = AppGroup("demo", help="Demo data; nothing in it is real.")

    @group.command("load")
    @click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
    @click.option("--seed", type=int, default=SEED, show_default=True)
    def load_command(size: str, seed: int) -> None:
        """Hospitals, accounts and registrations in every status."""
        load(app, size, seed)
        click.echo(f"loaded: {size}, seed {seed}")

    app.cli.add_command(group)
