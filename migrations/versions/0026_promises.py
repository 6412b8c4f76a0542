"""Promises by versions that people write: drafts of policy and calendar, versions of the calendar, rebases."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_OURS = ["arrival", "dispatch", "quote", "resolution", "response", "turnaround"]
FIRST_PAUSES = {
    "customer_info": {"stops": _OURS, "hours": 80},
    "customer_quote": {"stops": ["resolution", "turnaround"], "hours": 240},
    "customer_confirm": {"stops": ["resolution"], "hours": 24},
    "customer_window": {"stops": ["arrival", "resolution"], "hours": 240},
    "site_closed": {"stops": ["arrival", "resolution"], "hours": 80},
    "force_majeure": {"stops": _OURS, "hours": 240},
}
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("sla_policy", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pauses", sa.JSON(), nullable=True))
    table = sa.table("sla_policy", sa.column("pauses", sa.JSON()))
    op.execute(table.update().values(pauses=FIRST_PAUSES))
    with op.batch_alter_table("sla_policy", schema=None) as batch_op:
        batch_op.alter_column("pauses", existing_type=sa.JSON(), nullable=False)
    op.create_table(
        "sla_draft",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("drafted_at", MOMENT, nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=True),
        sa.Column("drafted_name", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_draft")),
    )
    op.create_table(
        "sla_rebase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_name", sa.String(80), nullable=False),
        sa.Column("touched", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar_snapshot.id"], name=op.f("fk_sla_rebase_calendar_id_calendar_snapshot")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_rebase")),
        sa.UniqueConstraint("kind", "version", name=op.f("uq_sla_rebase_kind_version")),
    )
    op.create_table(
        "calendar_draft",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("drafted_at", MOMENT, nullable=False),
        sa.Column("drafted_by", sa.Uuid(), nullable=True),
        sa.Column("drafted_name", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_draft")),
    )
    op.create_table(
        "calendar_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("promises_follow", sa.Boolean(), nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_name", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_calendar_version")),
    )


def downgrade() -> None:
    for table in ("calendar_version", "calendar_draft", "sla_rebase", "sla_draft"):
        op.drop_table(table)
    with op.batch_alter_table("sla_policy", schema=None) as batch_op:
        batch_op.drop_column("pauses")
