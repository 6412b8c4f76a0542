"""Counts of the queue read an index alone; the hospital as typed has one of its own."""

from alembic import op

revision = "0014"
down_revision = "0013"
QUEUE = ["status", "due_at", "id"]


def upgrade() -> None:
    op.drop_index("ix_registration_queue", table_name="registration")
    op.create_index("ix_registration_queue", "registration", [*QUEUE, "wakes_at", "lease_expires_at", "lease_staff_id"])
    op.create_index("ix_registration_hospital_text", "registration", ["hospital_text", "status"])


def downgrade() -> None:
    op.drop_index("ix_registration_hospital_text", table_name="registration")
    op.drop_index("ix_registration_queue", table_name="registration")
    op.create_index("ix_registration_queue", "registration", QUEUE)
