"""A clock that stands says until when, warnings not yet passed on have an index, staff's pauses have a note."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
UNTOLD = sa.text("fired_at IS NOT NULL AND told_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("sla_clock", schema=None) as batch_op:
        batch_op.add_column(sa.Column("standing_until", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("sla_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("subject_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("note_sealed", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_escalation_untold", "escalation", ["clock_id", "level"], sqlite_where=UNTOLD, postgresql_where=UNTOLD
    )


def downgrade() -> None:
    op.drop_index("ix_escalation_untold", table_name="escalation")
    with op.batch_alter_table("sla_event", schema=None) as batch_op:
        batch_op.drop_column("note_sealed")
        batch_op.drop_column("subject_id")
    with op.batch_alter_table("sla_clock", schema=None) as batch_op:
        batch_op.drop_column("standing_until")
