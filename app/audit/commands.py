"""``flask audit verify`` and ``flask audit checkpoint``."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.core.audit import checkpoint, signing
from app.core.audit.verify import MAX_FINDINGS, verify_and_remember

audit_commands = AppGroup("audit", help="Verify the audit log; write its checkpoints.")


@audit_commands.command("verify")
def verify_command() -> None:
    """Check every row, link, note and checkpoint. Ends with 1 and a line per finding when something is wrong."""
    try:
        report = verify_and_remember()
    except checkpoint.CheckpointError as error:
        raise click.ClickException(str(error)) from error
    for finding in report.findings:
        click.echo(str(finding), err=True)
    if len(report.findings) == MAX_FINDINGS:
        click.echo(f"stopped after {MAX_FINDINGS} findings", err=True)
    click.echo(
        f"{'ok' if report.ok else 'NOT OK'}: {report.rows} rows in {report.chains} chains held against "
        f"{report.checkpoints} checkpoints in {report.seconds:.1f} s"
        + (f"; restored from a backup {report.restores} times" if report.restores else "")
    )
    if not report.ok:
        raise SystemExit(1)


@audit_commands.command("checkpoint")
def checkpoint_command() -> None:
    """Sign the present end of the log and put it into the checkpoint store."""
    try:
        written = checkpoint.write()
    except checkpoint.CheckpointError as error:
        raise click.ClickException(str(error)) from error
    for mark in written:
        click.echo(f"checkpoint {mark.number}: {mark.chain}/{mark.seq}{' final' if mark.final else ''}")
    if not written:
        click.echo("nothing new since the last checkpoint")


@audit_commands.command("check-statement")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check_statement_command(file: Path) -> None:
    """Check a signed statement, such as a proof of erasure: what it says, and whether this portal's key signed it."""
    try:
        said, print_of_key = signing.check(file.read_text(encoding="utf-8"))
    except (signing.NotSigned, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from error
    ours = print_of_key == signing.fingerprint(signing.public_key())
    for name, value in said.items():
        click.echo(f"{name}: {value}")
    click.echo(f"signed by {print_of_key}: {'this portal' if ours else 'NOT the key of this portal'}")
    if not ours:
        raise SystemExit(1)
