"""What wakes is found by its status: "on hold and over" reads the rows that are over, not all that are on hold."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
SOME = {name: sa.text("wakes_at IS NOT NULL") for name in ("sqlite_where", "postgresql_where")}


def upgrade() -> None:
    op.drop_index("ix_registration_wakes", table_name="registration")
    op.create_index("ix_registration_wakes", "registration", ["status", "wakes_at", "due_at", "id"], **SOME)


def downgrade() -> None:
    op.drop_index("ix_registration_wakes", table_name="registration")
    op.create_index("ix_registration_wakes", "registration", ["wakes_at"], **SOME)
