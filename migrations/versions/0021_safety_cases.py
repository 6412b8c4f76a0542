"""Safety cases, their clocks, events and hand-overs."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
UTC = sa.DateTime(timezone=True)
WARNED = sa.text("warn_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "safety_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", UTC, nullable=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("aware_at", UTC, nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("changed_at", UTC, nullable=False),
        sa.Column("next_due_at", UTC, nullable=False),
        sa.Column("reportable", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("decided_at", UTC, nullable=True),
        sa.Column("decided_by", sa.String(80), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("closed_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_safety_case_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_case")),
        sa.UniqueConstraint("number", name=op.f("uq_safety_case_number")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_safety_case_ticket_id")),
    )
    op.create_index("ix_safety_case_status", "safety_case", ["status", "next_due_at", "id"])
    op.create_table(
        "safety_clock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("started_at", UTC, nullable=False),
        sa.Column("due_at", UTC, nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("stopped_at", UTC, nullable=True),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("warn_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["safety_case.id"], name=op.f("fk_safety_clock_case_id_safety_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_clock")),
    )
    op.create_index("ix_safety_clock_case", "safety_clock", ["case_id", "started_at"])
    op.create_index("ix_safety_clock_warn", "safety_clock", ["warn_at"], sqlite_where=WARNED, postgresql_where=WARNED)
    op.create_table(
        "safety_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("detail", sa.String(24), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("by_kind", sa.String(16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(80), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["safety_case.id"], name=op.f("fk_safety_event_case_id_safety_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_event")),
        sa.UniqueConstraint("case_id", "version", name=op.f("uq_safety_event_case_id_version")),
    )
    op.create_table(
        "safety_handover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("to_name", sa.String(80), nullable=False),
        sa.Column("handed_at", UTC, nullable=False),
        sa.Column("reference", sa.String(60), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(80), nullable=False),
        sa.Column("recorded_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["safety_case.id"], name=op.f("fk_safety_handover_case_id_safety_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_handover")),
    )
    op.create_index("ix_safety_handover_case_id", "safety_handover", ["case_id"])


def downgrade() -> None:
    for table in ("safety_handover", "safety_event", "safety_clock", "safety_case"):
        op.drop_table(table)
