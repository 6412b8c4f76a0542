"""Weights are published by somebody else than who proposed them; the words of a choice that no code names."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("override_sealed", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("dispatch_weights", schema=None) as batch_op:
        batch_op.add_column(sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("published_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("published_name", sa.String(length=80), server_default="", nullable=False))
    op.execute("UPDATE dispatch_weights SET published_at = created_at, published_by = created_by, "
               "published_name = created_name")  # fmt: skip
    with op.batch_alter_table("dispatch_weights", schema=None) as batch_op:
        batch_op.alter_column("published_name", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("dispatch_weights", schema=None) as batch_op:
        batch_op.drop_column("published_name")
        batch_op.drop_column("published_by")
        batch_op.drop_column("published_at")
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_column("override_sealed")
