"""The depot: failed release tests, unrepaired returns, biohazard approval; seals found, labels; lines of quotes."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rework_count", sa.SmallInteger(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("unrepaired", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("biohazard_by", sa.Uuid(), nullable=True))
    with op.batch_alter_table("custody_leg", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seal_found", sa.String(length=40), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("do_not_use", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lines", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_column("lines")
    with op.batch_alter_table("custody_leg", schema=None) as batch_op:
        batch_op.drop_column("do_not_use")
        batch_op.drop_column("seal_found")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_column("biohazard_by")
        batch_op.drop_column("unrepaired")
        batch_op.drop_column("rework_count")
