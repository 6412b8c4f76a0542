"""Grants of departments, their evidence of use, rules and reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "grant_policy",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_grant_policy")),
    )
    op.create_table(
        "grant_campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("opened_name", sa.String(length=80), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_grant_campaign_hospital_id_hospital")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_campaign")),
        sa.UniqueConstraint("number", name=op.f("uq_grant_campaign_number")),
    )
    with op.batch_alter_table("grant_campaign", schema=None) as batch_op:
        batch_op.create_index("ix_grant_campaign_closes", ["closes_at", "id"], unique=False)

    op.create_table(
        "access_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("home_department_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("position_verdict", sa.String(length=16), nullable=True),
        sa.Column("title_verdict", sa.String(length=16), nullable=True),
        sa.Column("basis_code", sa.String(length=32), nullable=True),
        sa.Column("exception_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("over_limits", sa.JSON(), nullable=False),
        sa.Column("lookback_months", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_kind", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_name", sa.String(length=80), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("endorsed_by", sa.Uuid(), nullable=True),
        sa.Column("endorsed_name", sa.String(length=80), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_name", sa.String(length=80), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renews_id", sa.Uuid(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_cause", sa.String(length=32), nullable=True),
        sa.Column("pause_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_days", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_cause", sa.String(length=32), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_access_grant_period")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_access_grant_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["home_department_id"], ["department.id"], name=op.f("fk_access_grant_home_department_id_department")
        ),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_access_grant_hospital_id_hospital")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_access_grant_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["renews_id"], ["access_grant.id"], name=op.f("fk_access_grant_renews_id_access_grant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
        sa.UniqueConstraint("number", name=op.f("uq_access_grant_number")),
    )
    with op.batch_alter_table("access_grant", schema=None) as batch_op:
        batch_op.create_index("ix_access_grant_changed", ["changed_at", "id"], unique=False)
        batch_op.create_index("ix_access_grant_customer", ["customer_id", "status"], unique=False)
        batch_op.create_index("ix_access_grant_hospital", ["hospital_id", "status"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_grant_renews_id"), ["renews_id"], unique=False)
        batch_op.create_index("ix_access_grant_requested", ["status", "requested_at", "id"], unique=False)
        batch_op.create_index("ix_access_grant_status", ["status", "ends_at", "id"], unique=False)
        batch_op.create_index(
            "ix_access_grant_wakes",
            ["wakes_at"],
            unique=False,
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )
        batch_op.create_index(
            "uq_access_grant_open",
            ["customer_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('requested', 'awaiting_second')"),
            postgresql_where=sa.text("status IN ('requested', 'awaiting_second')"),
        )

    op.create_table(
        "access_grant_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("status_from", sa.String(length=16), nullable=True),
        sa.Column("status_to", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.id"], name=op.f("fk_access_grant_event_grant_id_access_grant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant_event")),
        sa.UniqueConstraint("grant_id", "version", name=op.f("uq_access_grant_event_grant_id_version")),
    )
    op.create_table(
        "access_grant_node",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("include_children", sa.Boolean(), nullable=False),
        sa.Column("via_id", sa.Uuid(), nullable=True),
        sa.Column("removed_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_access_grant_node_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.id"], name=op.f("fk_access_grant_node_grant_id_access_grant")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["department.id"], name=op.f("fk_access_grant_node_parent_id_department")
        ),
        sa.ForeignKeyConstraint(["via_id"], ["department.id"], name=op.f("fk_access_grant_node_via_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant_node")),
    )
    with op.batch_alter_table("access_grant_node", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_grant_node_department_id"), ["department_id"], unique=False)
        batch_op.create_index(
            "ix_access_grant_node_grant", ["grant_id", "removed_version", "department_id"], unique=False
        )

    op.create_table(
        "grant_review_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_name", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("last_use_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows_opened", sa.Integer(), nullable=True),
        sa.Column("rows_listed", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["grant_campaign.id"], name=op.f("fk_grant_review_item_campaign_id_grant_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grant.id"], name=op.f("fk_grant_review_item_grant_id_access_grant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_review_item")),
        sa.UniqueConstraint("campaign_id", "grant_id", name=op.f("uq_grant_review_item_campaign_id_grant_id")),
    )
    with op.batch_alter_table("grant_review_item", schema=None) as batch_op:
        batch_op.create_index("ix_grant_review_item_grant", ["grant_id"], unique=False)

    op.create_table(
        "grant_use",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["access_grant.id"], name=op.f("fk_grant_use_grant_id_access_grant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_use")),
    )
    with op.batch_alter_table("grant_use", schema=None) as batch_op:
        batch_op.create_index("ix_grant_use_grant", ["grant_id", "kind", "at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("grant_use", schema=None) as batch_op:
        batch_op.drop_index("ix_grant_use_grant")

    op.drop_table("grant_use")
    with op.batch_alter_table("grant_review_item", schema=None) as batch_op:
        batch_op.drop_index("ix_grant_review_item_grant")

    op.drop_table("grant_review_item")
    with op.batch_alter_table("access_grant_node", schema=None) as batch_op:
        batch_op.drop_index("ix_access_grant_node_grant")
        batch_op.drop_index(batch_op.f("ix_access_grant_node_department_id"))

    op.drop_table("access_grant_node")
    op.drop_table("access_grant_event")
    with op.batch_alter_table("access_grant", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_access_grant_open",
            sqlite_where=sa.text("status IN ('requested', 'awaiting_second')"),
            postgresql_where=sa.text("status IN ('requested', 'awaiting_second')"),
        )
        batch_op.drop_index(
            "ix_access_grant_wakes",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_access_grant_status")
        batch_op.drop_index("ix_access_grant_requested")
        batch_op.drop_index(batch_op.f("ix_access_grant_renews_id"))
        batch_op.drop_index("ix_access_grant_hospital")
        batch_op.drop_index("ix_access_grant_customer")
        batch_op.drop_index("ix_access_grant_changed")

    op.drop_table("access_grant")
    with op.batch_alter_table("grant_campaign", schema=None) as batch_op:
        batch_op.drop_index("ix_grant_campaign_closes")

    op.drop_table("grant_campaign")
    op.drop_table("grant_policy")
