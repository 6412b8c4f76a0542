"""Blind second readings, their draws, and the index that reports and draws rest on."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("ix_registration_event_action", "registration_event", ["action", "at"])
    op.create_table(
        "reading_draw",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("until_at", INSTANT, nullable=False),
        sa.Column("seed", sa.LargeBinary(16), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("first_n", sa.Integer(), nullable=False),
        sa.Column("decisions", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.UniqueConstraint("from_at"),
        sa.UniqueConstraint("until_at"),
    )
    op.create_table(
        "second_reading",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("draw_id", sa.Uuid(), sa.ForeignKey("reading_draw.id"), nullable=False),
        sa.Column("registration_id", sa.Uuid(), sa.ForeignKey("registration.id"), nullable=False),
        sa.Column("submission_id", sa.Uuid(), sa.ForeignKey("submission.id"), nullable=False),
        sa.Column("event_id", sa.Uuid(), sa.ForeignKey("registration_event.id"), nullable=False),
        sa.Column("province", sa.String(2)),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", INSTANT),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("first_by", sa.Uuid()),
        sa.Column("first_name", sa.String(80), nullable=False),
        sa.Column("first_judgement", sa.String(16), nullable=False),
        sa.Column("lease_staff_id", sa.Uuid()),
        sa.Column("lease_name", sa.String(80)),
        sa.Column("lease_expires_at", INSTANT),
        sa.Column("read_by", sa.Uuid()),
        sa.Column("read_name", sa.String(80)),
        sa.Column("read_at", INSTANT),
        sa.Column("judgement", sa.String(16)),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("reason_codes", sa.JSON(), nullable=False),
        sa.Column("escalated_by", sa.Uuid()),
        sa.Column("escalated_at", INSTANT),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index("ix_second_reading_queue", "second_reading", ["status", "due_at", "id"])
    op.create_index("ix_second_reading_read", "second_reading", ["status", "read_at", "id"])
    op.create_index("ix_second_reading_first", "second_reading", ["first_by", "status"])
    op.create_index("ix_second_reading_registration", "second_reading", ["registration_id"])
    held = sa.text("lease_staff_id IS NOT NULL")
    op.create_index(
        "ix_second_reading_holder", "second_reading", ["lease_staff_id"], sqlite_where=held, postgresql_where=held
    )
    op.create_table(
        "reading_pass",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("reading_id", sa.Uuid(), sa.ForeignKey("second_reading.id"), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.UniqueConstraint("reading_id", "staff_id"),
    )
    op.create_index("ix_reading_pass_staff_id", "reading_pass", ["staff_id"])


def downgrade() -> None:
    op.drop_table("reading_pass")
    op.drop_table("second_reading")
    op.drop_table("reading_draw")
    op.drop_index("ix_registration_event_action", "registration_event")
