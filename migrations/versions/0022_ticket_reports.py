"""Reports of a period rest on the instant of the report."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_index("ix_ticket_opened", "ticket", ["opened_at", "province"])


def downgrade() -> None:
    op.drop_index("ix_ticket_opened", table_name="ticket")
