"""Until when a waiting ticket must be given to somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "dispatch_pool",
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("leave_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("best_name", sa.String(length=120), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("way_known", sa.Boolean(), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_dispatch_pool_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_dispatch_pool")),
    )
    with op.batch_alter_table("dispatch_pool", schema=None) as batch_op:
        batch_op.create_index("ix_dispatch_pool_leave", ["leave_by", "ticket_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("dispatch_pool", schema=None) as batch_op:
        batch_op.drop_index("ix_dispatch_pool_leave")

    op.drop_table("dispatch_pool")
