"""Proposals for a week: plans, what the solver was given, their rows, and provinces being planned."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "week_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provinces", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("solver", sa.String(length=40), nullable=False),
        sa.Column("cut_short", sa.Boolean(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_week_plan")),
    )
    with op.batch_alter_table("week_plan", schema=None) as batch_op:
        batch_op.create_index("ix_week_plan_created", ["created_at", "id"], unique=False)

    op.create_table(
        "week_plan_claim",
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["week_plan.id"], name=op.f("fk_week_plan_claim_plan_id_week_plan")),
        sa.PrimaryKeyConstraint("province", name=op.f("pk_week_plan_claim")),
    )
    with op.batch_alter_table("week_plan_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_week_plan_claim_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "week_plan_input",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["week_plan.id"], name=op.f("fk_week_plan_input_plan_id_week_plan")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_week_plan_input")),
    )
    op.create_table(
        "week_plan_row",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_number", sa.String(length=24), nullable=False),
        sa.Column("ticket_version", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=4), nullable=False),
        sa.Column("hospital", sa.String(length=120), nullable=False),
        sa.Column("assignee_kind", sa.String(length=8), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("assignee_name", sa.String(length=120), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("way", sa.Integer(), nullable=True),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("choices", sa.Integer(), nullable=False),
        sa.Column("held_by", sa.String(length=120), nullable=False),
        sa.Column("held_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("way_before", sa.Integer(), nullable=True),
        sa.Column("late_before", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.String(length=32), nullable=False),
        sa.Column("dispatch_id", sa.Uuid(), nullable=True),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acted_by", sa.Uuid(), nullable=True),
        sa.Column("acted_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_week_plan_row_dispatch_id_dispatch")),
        sa.ForeignKeyConstraint(["plan_id"], ["week_plan.id"], name=op.f("fk_week_plan_row_plan_id_week_plan")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_week_plan_row_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_week_plan_row")),
        sa.UniqueConstraint("plan_id", "n", name=op.f("uq_week_plan_row_plan_id_n")),
    )
    with op.batch_alter_table("week_plan_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_week_plan_row_dispatch_id"), ["dispatch_id"], unique=False)
        batch_op.create_index("ix_week_plan_row_ticket", ["ticket_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("week_plan_row", schema=None) as batch_op:
        batch_op.drop_index("ix_week_plan_row_ticket")
        batch_op.drop_index(batch_op.f("ix_week_plan_row_dispatch_id"))

    op.drop_table("week_plan_row")
    op.drop_table("week_plan_input")
    with op.batch_alter_table("week_plan_claim", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_week_plan_claim_plan_id"))

    op.drop_table("week_plan_claim")
    with op.batch_alter_table("week_plan", schema=None) as batch_op:
        batch_op.drop_index("ix_week_plan_created")

    op.drop_table("week_plan")
