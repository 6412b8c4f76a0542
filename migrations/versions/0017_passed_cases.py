"""Cases passed to a person are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    given = sa.text("passed_to_id IS NOT NULL")
    op.create_index(
        "ix_registration_passed", "registration", ["passed_to_id"], sqlite_where=given, postgresql_where=given
    )


def downgrade() -> None:
    op.drop_index("ix_registration_passed", "registration")
