"""The verified name of whoever a grant is for, so that lists read one table."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    with op.batch_alter_table("access_grant", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("name_index", sa.LargeBinary(length=32), nullable=True))
        batch_op.create_index(batch_op.f("ix_access_grant_name_index"), ["name_index"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("access_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_grant_name_index"))
        batch_op.drop_column("name_index")
        batch_op.drop_column("name_sealed")
