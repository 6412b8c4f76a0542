"""What dealers have yet to confirm as deleted is found without reading every dispatch."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

UNDELETED = "contract_id IS NOT NULL AND accepted_at IS NOT NULL AND data_deleted_at IS NULL"


def upgrade() -> None:
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.create_index(
            "ix_dispatch_undeleted",
            ["accepted_at", "id"],
            unique=False,
            sqlite_where=sa.text(UNDELETED),
            postgresql_where=sa.text(UNDELETED),
        )


def downgrade() -> None:
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_index("ix_dispatch_undeleted")
