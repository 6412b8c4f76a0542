"""What phones have sent, and what dealers were shown: an append-only ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

CREATE_TRIGGERS = {
    "postgresql": (
        "CREATE FUNCTION disclosure_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'disclosure is append-only'; END $$",
        "CREATE TRIGGER disclosure_append_only BEFORE UPDATE OR DELETE ON disclosure "
        "FOR EACH ROW EXECUTE FUNCTION disclosure_refuse()",
    ),
    "sqlite": (
        "CREATE TRIGGER disclosure_no_change BEFORE UPDATE ON disclosure "
        "BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END",
        "CREATE TRIGGER disclosure_no_delete BEFORE DELETE ON disclosure "
        "BEGIN SELECT RAISE(ABORT, 'disclosure is append-only'); END",
    ),
}


def upgrade() -> None:
    op.create_table(
        "disclosure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("dispatch_id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("dealer_id", sa.Uuid(), nullable=False),
        sa.Column("dealer_name", sa.String(length=120), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("staff_name", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("contract_number", sa.String(length=40), nullable=False),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["dealer_contract.id"], name=op.f("fk_disclosure_contract_id_dealer_contract")
        ),
        sa.ForeignKeyConstraint(["dealer_id"], ["dealer.id"], name=op.f("fk_disclosure_dealer_id_dealer")),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_disclosure_dispatch_id_dispatch")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_disclosure_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    with op.batch_alter_table("disclosure", schema=None) as batch_op:
        batch_op.create_index("ix_disclosure_at", ["at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_disclosure_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index("ix_disclosure_dealer", ["dealer_id", "at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_disclosure_dispatch_id"), ["dispatch_id"], unique=False)
        batch_op.create_index("ix_disclosure_province", ["province", "at", "id"], unique=False)
        batch_op.create_index("ix_disclosure_ticket", ["ticket_id", "at", "id"], unique=False)

    for statement in CREATE_TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "job_receipt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("dispatch_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_job_receipt_dispatch_id_dispatch")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_receipt")),
        sa.UniqueConstraint("staff_id", "token", name=op.f("uq_job_receipt_staff_id_token")),
    )
    with op.batch_alter_table("job_receipt", schema=None) as batch_op:
        batch_op.create_index("ix_job_receipt_at", ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_receipt_dispatch_id"), ["dispatch_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("job_receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_receipt_dispatch_id"))
        batch_op.drop_index("ix_job_receipt_at")

    op.drop_table("job_receipt")
    with op.batch_alter_table("disclosure", schema=None) as batch_op:
        batch_op.drop_index("ix_disclosure_ticket")
        batch_op.drop_index("ix_disclosure_province")
        batch_op.drop_index(batch_op.f("ix_disclosure_dispatch_id"))
        batch_op.drop_index("ix_disclosure_dealer")
        batch_op.drop_index(batch_op.f("ix_disclosure_contract_id"))
        batch_op.drop_index("ix_disclosure_at")

    op.drop_table("disclosure")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION disclosure_refuse()")
