"""Ratings of closed tickets: invitations, versions, flags, draws, audits, complaint decisions, follow-ups, harm words."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

FIXED = "id, job_id, version, score, timeliness, skill, attitude, result, at"
CREATE_TRIGGERS = {
    "postgresql": (
        "CREATE FUNCTION rating_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a rating cannot be changed'; END $$",
        f"CREATE TRIGGER rating_no_change BEFORE UPDATE OF {FIXED} ON rating FOR EACH ROW EXECUTE FUNCTION rating_refuse()",
        "CREATE TRIGGER rating_no_delete BEFORE DELETE ON rating FOR EACH ROW EXECUTE FUNCTION rating_refuse()",
    ),
    "sqlite": (
        f"CREATE TRIGGER rating_no_change BEFORE UPDATE OF {FIXED} ON rating BEGIN SELECT RAISE(ABORT, 'a rating cannot be changed'); END",
        "CREATE TRIGGER rating_no_delete BEFORE DELETE ON rating BEGIN SELECT RAISE(ABORT, 'a rating cannot be changed'); END",
    ),
}


def upgrade() -> None:
    op.create_table(
        "harm_word_list",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("proposed_name", sa.String(length=80), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_name", sa.String(length=80), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_harm_word_list")),
    )
    op.create_table(
        "rating_draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("seed", sa.LargeBinary(length=16), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("frame", sa.JSON(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_draw")),
    )
    with op.batch_alter_table("rating_draw", schema=None) as batch_op:
        batch_op.create_index("ix_rating_draw_at", ["kind", "at"], unique=False)

    op.create_table(
        "rated_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("ticket_number", sa.String(length=20), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("message_key", sa.String(length=80), nullable=True),
        sa.Column("link_key", sa.String(length=80), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("engineer_id", sa.Uuid(), nullable=True),
        sa.Column("engineer_name", sa.String(length=80), nullable=False),
        sa.Column("dealer_id", sa.Uuid(), nullable=True),
        sa.Column("dealer_name", sa.String(length=120), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.String(length=60), nullable=False),
        sa.Column("job_kind", sa.String(length=16), nullable=False),
        sa.Column("warranty", sa.String(length=16), nullable=False),
        sa.Column("rating_version", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rater_kind", sa.String(length=8), nullable=False),
        sa.Column("alarm", sa.String(length=12), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("audited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("follow_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_rated_job_customer_id_customer")),
        sa.ForeignKeyConstraint(["draw_id"], ["rating_draw.id"], name=op.f("fk_rated_job_draw_id_rating_draw")),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_rated_job_hospital_id_hospital")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_rated_job_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rated_job")),
        sa.UniqueConstraint("ticket_id", "cycle", name=op.f("uq_rated_job_ticket_id_cycle")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_rated_job_token_hash")),
    )
    with op.batch_alter_table("rated_job", schema=None) as batch_op:
        batch_op.create_index("ix_rated_job_closed", ["closed_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rated_job_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rated_job_dealer_id"), ["dealer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rated_job_draw_id"), ["draw_id"], unique=False)
        batch_op.create_index("ix_rated_job_engineer", ["engineer_id", "closed_at"], unique=False)
        batch_op.create_index(
            "ix_rated_job_follow",
            ["follow_due_at", "id"],
            unique=False,
            sqlite_where=sa.text("follow_due_at IS NOT NULL"),
            postgresql_where=sa.text("follow_due_at IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_rated_job_hospital_id"), ["hospital_id"], unique=False)
        batch_op.create_index("ix_rated_job_invited", ["status", "expires_at", "id"], unique=False)
        batch_op.create_index("ix_rated_job_number", ["ticket_number"], unique=False)
        batch_op.create_index(
            "ix_rated_job_second",
            ["second_due_at", "id"],
            unique=False,
            sqlite_where=sa.text("second_due_at IS NOT NULL"),
            postgresql_where=sa.text("second_due_at IS NOT NULL"),
        )
        batch_op.create_index("ix_rated_job_status", ["status", "answered_at", "id"], unique=False)

    op.create_table(
        "complaint_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("rating_version", sa.SmallInteger(), nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("reportable", sa.Boolean(), nullable=False),
        sa.Column("harm", sa.Boolean(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_complaint_decision_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_decision")),
        sa.UniqueConstraint("job_id", "no", name=op.f("uq_complaint_decision_job_id_no")),
    )
    op.create_table(
        "follow_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("owner_name", sa.String(length=80), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end", sa.String(length=12), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("message_key", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_follow_up_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("job_id", name=op.f("uq_follow_up_job_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_follow_up_token_hash")),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index("ix_follow_up_owner", ["owner_id", "status"], unique=False)
        batch_op.create_index("ix_follow_up_status", ["status", "due_at", "id"], unique=False)
        batch_op.create_index(
            "ix_follow_up_wakes",
            ["wakes_at"],
            unique=False,
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )

    op.create_table(
        "rated_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_rated_person_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rated_person")),
        sa.UniqueConstraint("job_id", "staff_id", "part", name=op.f("uq_rated_person_job_id_staff_id_part")),
    )
    with op.batch_alter_table("rated_person", schema=None) as batch_op:
        batch_op.create_index("ix_rated_person_staff", ["staff_id"], unique=False)

    op.create_table(
        "rating",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("rater_kind", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("timeliness", sa.SmallInteger(), nullable=True),
        sa.Column("skill", sa.SmallInteger(), nullable=True),
        sa.Column("attitude", sa.SmallInteger(), nullable=True),
        sa.Column("result", sa.SmallInteger(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("comment_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("harm_list", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_rating_score")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_rating_customer_id_customer")),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_rating_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("job_id", "version", name=op.f("uq_rating_job_id_version")),
    )
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.create_index("ix_rating_customer", ["customer_id", "at"], unique=False)

    op.create_table(
        "rating_audit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("rating_version", sa.SmallInteger(), nullable=False),
        sa.Column("second", sa.Boolean(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["draw_id"], ["rating_draw.id"], name=op.f("fk_rating_audit_draw_id_rating_draw")),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_rating_audit_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_audit")),
        sa.UniqueConstraint(
            "job_id", "rating_version", "second", name=op.f("uq_rating_audit_job_id_rating_version_second")
        ),
    )
    with op.batch_alter_table("rating_audit", schema=None) as batch_op:
        batch_op.create_index("ix_rating_audit_at", ["second", "at", "id"], unique=False)

    op.create_table(
        "rating_flag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("rating_version", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["rated_job.id"], name=op.f("fk_rating_flag_job_id_rated_job")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_flag")),
        sa.UniqueConstraint(
            "job_id", "rating_version", "kind", "detail", name=op.f("uq_rating_flag_job_id_rating_version_kind_detail")
        ),
    )
    op.create_table(
        "follow_up_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("contact", sa.String(length=16), nullable=False),
        sa.Column("root_cause", sa.String(length=24), nullable=False),
        sa.Column("corrective", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_score", sa.SmallInteger(), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("second_score BETWEEN 1 AND 5", name=op.f("ck_follow_up_round_second_score")),
        sa.ForeignKeyConstraint(
            ["follow_up_id"], ["follow_up.id"], name=op.f("fk_follow_up_round_follow_up_id_follow_up")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_round")),
        sa.UniqueConstraint("follow_up_id", "no", name=op.f("uq_follow_up_round_follow_up_id_no")),
    )
    with op.batch_alter_table("follow_up_round", schema=None) as batch_op:
        batch_op.create_index("ix_follow_up_round_cause", ["root_cause", "at"], unique=False)

    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_closed",
            ["closed_at"],
            unique=False,
            sqlite_where=sa.text("closed_at IS NOT NULL"),
            postgresql_where=sa.text("closed_at IS NOT NULL"),
        )

    for statement in CREATE_TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ticket_closed",
            sqlite_where=sa.text("closed_at IS NOT NULL"),
            postgresql_where=sa.text("closed_at IS NOT NULL"),
        )

    with op.batch_alter_table("follow_up_round", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_up_round_cause")

    op.drop_table("follow_up_round")
    op.drop_table("rating_flag")
    with op.batch_alter_table("rating_audit", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_audit_at")

    op.drop_table("rating_audit")
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_customer")

    op.drop_table("rating")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS rating_refuse() CASCADE")
    with op.batch_alter_table("rated_person", schema=None) as batch_op:
        batch_op.drop_index("ix_rated_person_staff")

    op.drop_table("rated_person")
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_follow_up_wakes",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_follow_up_status")
        batch_op.drop_index("ix_follow_up_owner")

    op.drop_table("follow_up")
    op.drop_table("complaint_decision")
    with op.batch_alter_table("rated_job", schema=None) as batch_op:
        batch_op.drop_index("ix_rated_job_status")
        batch_op.drop_index(
            "ix_rated_job_second",
            sqlite_where=sa.text("second_due_at IS NOT NULL"),
            postgresql_where=sa.text("second_due_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_rated_job_number")
        batch_op.drop_index("ix_rated_job_invited")
        batch_op.drop_index(batch_op.f("ix_rated_job_hospital_id"))
        batch_op.drop_index(
            "ix_rated_job_follow",
            sqlite_where=sa.text("follow_due_at IS NOT NULL"),
            postgresql_where=sa.text("follow_due_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_rated_job_engineer")
        batch_op.drop_index(batch_op.f("ix_rated_job_draw_id"))
        batch_op.drop_index(batch_op.f("ix_rated_job_dealer_id"))
        batch_op.drop_index(batch_op.f("ix_rated_job_customer_id"))
        batch_op.drop_index("ix_rated_job_closed")

    op.drop_table("rated_job")
    with op.batch_alter_table("rating_draw", schema=None) as batch_op:
        batch_op.drop_index("ix_rating_draw_at")

    op.drop_table("rating_draw")
    op.drop_table("harm_word_list")
