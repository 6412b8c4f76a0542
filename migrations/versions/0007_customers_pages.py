"""Customers as staff list them: in force from when, suspended, frozen, closed; the device of a sign-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PARTIAL = (
    ("ix_customer_unverified", "customer", "verified_from IS NULL", ["created_at", "id"]),
    ("ix_customer_frozen", "customer", "frozen_at IS NOT NULL", ["created_at", "id"]),
    ("ix_customer_closed", "customer", "closed_at IS NOT NULL", ["created_at", "id"]),
    ("ix_customer_profile_suspended", "customer_profile", "suspended_at IS NOT NULL", ["customer_id"]),
)


def upgrade() -> None:
    op.add_column("customer", sa.Column("verified_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer_token", sa.Column("device", sa.String(length=64), nullable=False, server_default=""))
    op.execute(
        "UPDATE customer SET verified_from = (SELECT min(effective_at) FROM customer_profile"
        " WHERE customer_profile.customer_id = customer.id AND customer_profile.ended_at IS NULL)"
    )
    op.create_index("ix_customer_verified_from", "customer", ["verified_from"])
    op.create_index("ix_customer_created", "customer", ["created_at", "id"])
    op.create_index("ix_customer_last_used", "customer", ["last_used_at", "id"])
    for name, table, where, columns in PARTIAL:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _where, _columns in reversed(PARTIAL):
        op.drop_index(name, table_name=table)
    for name in ("ix_customer_last_used", "ix_customer_created", "ix_customer_verified_from"):
        op.drop_index(name, table_name="customer")
    op.drop_column("customer_token", "device")
    op.drop_column("customer", "verified_from")
