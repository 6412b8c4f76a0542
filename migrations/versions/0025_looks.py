"""A lead's stated look at an ended ticket's files; what was typed when a session ended."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "ticket_look",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(24), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("until", UTC, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_look_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_look")),
    )
    op.create_index("ix_ticket_look_ticket", "ticket_look", ["ticket_id", "staff_id", "until"])
    op.create_table(
        "held_form",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.String(300), nullable=False),
        sa.Column("fields_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("at", UTC, nullable=False),
        sa.Column("until", UTC, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_account.id"], name=op.f("fk_held_form_staff_id_staff_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_form")),
    )
    op.create_index(op.f("ix_held_form_staff_id"), "held_form", ["staff_id"])
    op.create_index("ix_held_form_until", "held_form", ["until"])


def downgrade() -> None:
    op.drop_table("held_form")
    op.drop_table("ticket_look")
