"""Who sees to a safety case."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    with op.batch_alter_table("safety_case", schema=None) as batch_op:
        batch_op.add_column(sa.Column("owner_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("owner_name", sa.String(length=80), server_default="", nullable=False))
    with op.batch_alter_table("safety_case", schema=None) as batch_op:
        batch_op.alter_column("owner_name", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("safety_case", schema=None) as batch_op:
        batch_op.drop_column("owner_name")
        batch_op.drop_column("owner_id")
