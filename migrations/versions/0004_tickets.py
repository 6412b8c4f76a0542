"""Tickets, their timeline, and tokens for search in sealed text."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "sealed_token",
        sa.Column("token", sa.LargeBinary(length=6), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token", "ref_id", name=op.f("pk_sealed_token")),
    )
    with op.batch_alter_table("sealed_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sealed_token_ref_id"), ["ref_id"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("reporter_department_id", sa.Uuid(), nullable=True),
        sa.Column("device_department_id", sa.Uuid(), nullable=True),
        sa.Column("device_model", sa.String(length=60), nullable=True),
        sa.Column("serial_number", sa.String(length=40), nullable=True),
        sa.Column("fault_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_ticket_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["device_department_id"], ["department.id"], name=op.f("fk_ticket_device_department_id_department")
        ),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_ticket_hospital_id_hospital")),
        sa.ForeignKeyConstraint(
            ["reporter_department_id"], ["department.id"], name=op.f("fk_ticket_reporter_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_customer", ["customer_id", "opened_at", "id"], unique=False)
        batch_op.create_index(
            "ix_ticket_department", ["reporter_department_id", "opened_at", "id", "customer_id"], unique=False
        )
        batch_op.create_index("ix_ticket_hospital", ["hospital_id", "opened_at", "id"], unique=False)
        batch_op.create_index("ix_ticket_province", ["province", "status", "opened_at", "id"], unique=False)
        batch_op.create_index(
            "ix_ticket_serial",
            ["serial_number"],
            unique=False,
            sqlite_where=sa.text("serial_number IS NOT NULL"),
            postgresql_where=sa.text("serial_number IS NOT NULL"),
        )
        batch_op.create_index("ix_ticket_status", ["status", "opened_at", "id"], unique=False)
        batch_op.create_index(
            "ix_ticket_wakes",
            ["wakes_at"],
            unique=False,
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )

    op.create_table(
        "ticket_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("status_from", sa.String(length=16), nullable=True),
        sa.Column("status_to", sa.String(length=16), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_event_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_event")),
        sa.UniqueConstraint("ticket_id", "version", name=op.f("uq_ticket_event_ticket_id_version")),
    )


def downgrade() -> None:
    op.drop_table("ticket_event")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ticket_wakes",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_ticket_status")
        batch_op.drop_index(
            "ix_ticket_serial",
            sqlite_where=sa.text("serial_number IS NOT NULL"),
            postgresql_where=sa.text("serial_number IS NOT NULL"),
        )
        batch_op.drop_index("ix_ticket_province")
        batch_op.drop_index("ix_ticket_hospital")
        batch_op.drop_index("ix_ticket_department")
        batch_op.drop_index("ix_ticket_customer")

    op.drop_table("ticket")
    with op.batch_alter_table("sealed_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sealed_token_ref_id"))

    op.drop_table("sealed_token")
