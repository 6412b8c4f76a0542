"""Dealers with contracts; engineers, offers, visits, weights of the score. Dealers known so far get the defaults."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "dispatch_weights",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_dispatch_weights")),
    )
    op.create_table(
        "dealer_contract",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dealer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(length=600), nullable=False),
        sa.Column("term", sa.String(length=600), nullable=False),
        sa.Column("method", sa.String(length=600), nullable=False),
        sa.Column("data_kinds", sa.String(length=600), nullable=False),
        sa.Column("measures", sa.String(length=600), nullable=False),
        sa.Column("duties", sa.String(length=600), nullable=False),
        sa.Column("supervision", sa.String(length=600), nullable=False),
        sa.Column("at_the_end", sa.String(length=16), nullable=False),
        sa.Column("assessment_id", sa.String(length=40), nullable=False),
        sa.Column("sub_entrusting", sa.String(length=16), nullable=False),
        sa.Column("may_repair", sa.Boolean(), nullable=False),
        sa.Column("may_collect", sa.Boolean(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_name", sa.String(length=80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_kind", sa.String(length=16), nullable=False),
        sa.Column("ended_reason", sa.String(length=32), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_name", sa.String(length=80), nullable=False),
        sa.Column("deletion_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_dealer_contract_period")),
        sa.ForeignKeyConstraint(["dealer_id"], ["dealer.id"], name=op.f("fk_dealer_contract_dealer_id_dealer")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_dealer_contract_file_id_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dealer_contract")),
        sa.UniqueConstraint("number", name=op.f("uq_dealer_contract_number")),
    )
    with op.batch_alter_table("dealer_contract", schema=None) as batch_op:
        batch_op.create_index("ix_dealer_contract_dealer", ["dealer_id", "ends_at", "id"], unique=False)

    op.create_table(
        "engineer",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("work_number", sa.String(length=20), nullable=False),
        sa.Column("base_name", sa.String(length=60), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("provinces", sa.JSON(), nullable=False),
        sa.Column("product_lines", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("visits_done", sa.Integer(), nullable=False),
        sa.Column("visits_fixed", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_account.id"], name=op.f("fk_engineer_staff_id_staff_account")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_engineer")),
    )
    op.create_table(
        "engineer_absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engineer_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_engineer_absence_period")),
        sa.ForeignKeyConstraint(
            ["engineer_id"], ["engineer.staff_id"], name=op.f("fk_engineer_absence_engineer_id_engineer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engineer_absence")),
    )
    with op.batch_alter_table("engineer_absence", schema=None) as batch_op:
        batch_op.create_index("ix_engineer_absence_ends", ["ends_at"], unique=False)
        batch_op.create_index("ix_engineer_absence_engineer", ["engineer_id", "ends_at"], unique=False)

    op.create_table(
        "engineer_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engineer_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("half", sa.String(length=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["engineer_id"], ["engineer.staff_id"], name=op.f("fk_engineer_shift_engineer_id_engineer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engineer_shift")),
        sa.UniqueConstraint("engineer_id", "weekday", "half", name=op.f("uq_engineer_shift_engineer_id_weekday_half")),
    )
    op.create_table(
        "engineer_skill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engineer_id", sa.Uuid(), nullable=False),
        sa.Column("skill", sa.String(length=16), nullable=False),
        sa.Column("certificate", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_engineer_skill_period")),
        sa.ForeignKeyConstraint(
            ["engineer_id"], ["engineer.staff_id"], name=op.f("fk_engineer_skill_engineer_id_engineer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engineer_skill")),
    )
    with op.batch_alter_table("engineer_skill", schema=None) as batch_op:
        batch_op.create_index("ix_engineer_skill_engineer", ["engineer_id", "valid_until"], unique=False)

    op.create_table(
        "dispatch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("assignee_kind", sa.String(length=8), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_name", sa.String(length=120), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_first", sa.Boolean(), nullable=False),
        sa.Column("accept_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_by", sa.Uuid(), nullable=True),
        sa.Column("offered_name", sa.String(length=80), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("accepted_name", sa.String(length=80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.String(length=32), nullable=False),
        sa.Column("weights_version", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("override_reason", sa.String(length=32), nullable=False),
        sa.Column("ranking", sa.JSON(), nullable=False),
        sa.Column("data_deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["dealer_contract.id"], name=op.f("fk_dispatch_contract_id_dealer_contract")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_dispatch_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch")),
    )
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.create_index("ix_dispatch_assignee", ["assignee_id", "state", "window_from", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispatch_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(
            "ix_dispatch_live_window",
            ["window_from", "assignee_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
        )
        batch_op.create_index("ix_dispatch_ticket", ["ticket_id", "offered_at"], unique=False)
        batch_op.create_index(
            "uq_dispatch_live",
            ["ticket_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
        )

    op.create_table(
        "dispatch_exclusion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_dispatch_exclusion_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_exclusion")),
        sa.UniqueConstraint(
            "ticket_id", "cycle", "assignee_id", name=op.f("uq_dispatch_exclusion_ticket_id_cycle_assignee_id")
        ),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispatch_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=False),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"], name=op.f("fk_visit_dispatch_id_dispatch")),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_visit_hospital_id_hospital")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_visit_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("dispatch_id", "n", name=op.f("uq_visit_dispatch_id_n")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index("ix_visit_assignee", ["assignee_id", "window_from", "id"], unique=False)
        batch_op.create_index("ix_visit_hospital", ["hospital_id", "assignee_id"], unique=False)
        batch_op.create_index("ix_visit_ticket", ["ticket_id"], unique=False)

    with op.batch_alter_table("dealer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=16), nullable=False, server_default="entrusted"))
        batch_op.add_column(sa.Column("provinces", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("product_lines", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("capacity", sa.SmallInteger(), nullable=False, server_default="2"))
        batch_op.add_column(sa.Column("lat", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("lon", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("visits_done", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("visits_fixed", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.create_index("ix_dealer_name_id", ["name", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("dealer", schema=None) as batch_op:
        batch_op.drop_index("ix_dealer_name_id")
        batch_op.drop_column("version")
        batch_op.drop_column("visits_fixed")
        batch_op.drop_column("visits_done")
        batch_op.drop_column("lon")
        batch_op.drop_column("lat")
        batch_op.drop_column("capacity")
        batch_op.drop_column("product_lines")
        batch_op.drop_column("provinces")
        batch_op.drop_column("role")

    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index("ix_visit_ticket")
        batch_op.drop_index("ix_visit_hospital")
        batch_op.drop_index("ix_visit_assignee")

    op.drop_table("visit")
    op.drop_table("dispatch_exclusion")
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_dispatch_live",
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
        )
        batch_op.drop_index("ix_dispatch_ticket")
        batch_op.drop_index(
            "ix_dispatch_live_window",
            sqlite_where=sa.text("state IN ('offered', 'accepted')"),
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
        )
        batch_op.drop_index(batch_op.f("ix_dispatch_contract_id"))
        batch_op.drop_index("ix_dispatch_assignee")

    op.drop_table("dispatch")
    with op.batch_alter_table("engineer_skill", schema=None) as batch_op:
        batch_op.drop_index("ix_engineer_skill_engineer")

    op.drop_table("engineer_skill")
    op.drop_table("engineer_shift")
    with op.batch_alter_table("engineer_absence", schema=None) as batch_op:
        batch_op.drop_index("ix_engineer_absence_engineer")
        batch_op.drop_index("ix_engineer_absence_ends")

    op.drop_table("engineer_absence")
    op.drop_table("engineer")
    with op.batch_alter_table("dealer_contract", schema=None) as batch_op:
        batch_op.drop_index("ix_dealer_contract_dealer")

    op.drop_table("dealer_contract")
    op.drop_table("dispatch_weights")
