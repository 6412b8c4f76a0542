"""Review flow: date on the badge, how a field was seen, passing on, recusal, caps and absence of reviewers."""

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("customer_profile", sa.Column("badge_valid_until", sa.Date(), nullable=True))
    with op.batch_alter_table("registration") as table:
        table.add_column(sa.Column("badge_valid_until", sa.Date(), nullable=True))
        table.add_column(sa.Column("lease_ahead", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("passed_to_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("passed_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("review_draft", sa.Column("skipped_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("registration_event", sa.Column("rules", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("review_reason", sa.Column("created_by", sa.String(80), nullable=False, server_default=""))
    _field_check()
    _tables()


def _field_check() -> None:
    op.add_column("field_check", sa.Column("how", sa.String(24), nullable=True))
    op.add_column("field_check", sa.Column("how_note_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("field_check", sa.Column("subject_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE field_check SET subject_id = (SELECT r.subject_id FROM registration r WHERE r.id = registration_id)"
    )
    with op.batch_alter_table("field_check") as table:
        table.alter_column("subject_id", existing_type=sa.Uuid(), nullable=False)


def _tables() -> None:
    op.create_table(
        "case_pass",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(80), nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("to_name", sa.String(80), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_case_pass_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_pass")),
    )
    op.create_index("ix_case_pass_registration", "case_pass", ["registration_id", "at"])
    op.create_table(
        "recusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("staff_name", sa.String(80), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_recusal_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_recusal_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusal")),
        sa.UniqueConstraint("staff_id", "customer_id", name=op.f("uq_recusal_staff_id_customer_id")),
    )
    op.create_index("ix_recusal_customer", "recusal", ["customer_id"])
    op.create_table(
        "reviewer_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("open_cases", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewer_limit")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_reviewer_limit_staff_id")),
    )
    op.create_table(
        "reviewer_absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviewer_absence")),
    )
    op.create_index("ix_reviewer_absence_days", "reviewer_absence", ["last_day", "staff_id"])


def downgrade() -> None:
    op.drop_index("ix_reviewer_absence_days", table_name="reviewer_absence")
    op.drop_table("reviewer_absence")
    op.drop_table("reviewer_limit")
    op.drop_index("ix_recusal_customer", table_name="recusal")
    op.drop_table("recusal")
    op.drop_index("ix_case_pass_registration", table_name="case_pass")
    op.drop_table("case_pass")
    op.drop_column("field_check", "subject_id")
    op.drop_column("field_check", "how_note_sealed")
    op.drop_column("field_check", "how")
    op.drop_column("review_reason", "created_by")
    op.drop_column("registration_event", "rules")
    op.drop_column("review_draft", "skipped_until")
    for name in ("passed_until", "passed_to_id", "lease_ahead", "badge_valid_until"):
        op.drop_column("registration", name)
    op.drop_column("customer_profile", "badge_valid_until")
