"""Legal holds on badge photos: the table, and on each file the instant before which nothing goes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
LIVE = sa.text("status IN ('proposed', 'active')")


def upgrade() -> None:
    op.add_column("stored_file", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "badge_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_name", sa.String(length=80), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_name", sa.String(length=80), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_name", sa.String(length=80), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_badge_hold_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge_hold")),
    )
    op.create_index("ix_badge_hold_registration_id", "badge_hold", ["registration_id"])
    op.create_index("ix_badge_hold_wakes_at", "badge_hold", ["wakes_at"])
    op.create_index(
        "uq_badge_hold_live", "badge_hold", ["registration_id"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
    )


def downgrade() -> None:
    op.drop_table("badge_hold")
    with op.batch_alter_table("stored_file") as table:
        table.drop_column("held_until")
