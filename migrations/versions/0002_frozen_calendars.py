"""Snapshots of the working-day calendar, by which promises are counted that were made under it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "calendar_snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_snapshot")),
        sa.UniqueConstraint("digest", name=op.f("uq_calendar_snapshot_digest")),
    )


def downgrade() -> None:
    op.drop_table("calendar_snapshot")
