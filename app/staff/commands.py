"""``flask staff create``: the first administrator of a new portal, or any account when the pages cannot be reached."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.core.errors import DomainError, Invalid
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from app.staff import service
from app.staff.roles import Role

LOCAL = "http://127.0.0.1:8000"
group = AppGroup("staff", help="Staff accounts.")


@group.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option(
    "--role", "roles", multiple=True, type=click.Choice([role.value for role in Role]), help="May be repeated."
)
@click.option("--lead", is_flag=True, help="With the lead's permissions of each role.")
@click.option("--base-url", default=LOCAL, show_default=True, help="Where the portal is reached, for the link.")
def create(email: str, name: str, roles: tuple[str, ...], lead: bool, base_url: str) -> None:
    """Create an account and print its one-time invitation link."""
    link = lambda token: f"{base_url.rstrip('/')}/staff/invitation/{token}"
    try:
        with unit_of_work():
            grants = [(role, None, lead) for role in roles]
            account, address = service.invite(SYSTEM, email, name, link=link, roles=grants)
            email = account.email
    except DomainError as error:
        raise click.ClickException(_sentence(error)) from error
    click.echo(f"{email}: open this link once, within 7 days, to set a password\n{address}")


def _sentence(error: DomainError) -> str:
    """What was refused, in one line."""
    if isinstance(error, Invalid) and error.fields:
        return "; ".join(str(message) for messages in error.fields.values() for message in messages)
    return str(error.message)


def install(app: Portal) -> None:
    app.cli.add_command(group)
