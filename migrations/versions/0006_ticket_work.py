"""The work on a ticket: triage, contact, device, talk, promises, workshop. Rows of before get what they would have had."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NEVER = datetime(2999, 1, 1, tzinfo=UTC)
TICKET = {
    "cycle": (sa.Integer(), 1),
    "due_at": (sa.DateTime(timezone=True), NEVER),
    "triager_name": (sa.String(80), ""),
    "fault_class": (sa.String(24), ""),
    "service_mode": (sa.String(16), ""),
    "warranty_basis": (sa.String(16), ""),
    "no_serial_reason": (sa.String(24), ""),
    "harm": (sa.String(8), ""),
    "hospital_matched": (sa.Boolean(), False),
    "duplicates_reviewed": (sa.Boolean(), False),
    "assignee_kind": (sa.String(8), ""),
    "assignee_name": (sa.String(120), ""),
    "may_repair": (sa.Boolean(), True),
    "call_first": (sa.Boolean(), False),
    "reschedules": (sa.Integer(), 0),
    "field_job": (sa.Boolean(), True),
    "safety_hold": (sa.Boolean(), False),
    "reopened": (sa.Integer(), 0),
}


def fill() -> None:
    """Give the rows of before their values, then forbid NULL."""
    ticket = sa.table("ticket", *(sa.column(name, kind) for name, (kind, _value) in TICKET.items()))
    op.execute(sa.update(ticket).values({name: value for name, (_kind, value) in TICKET.items()}))
    op.execute(
        "UPDATE ticket_event SET reason = '', subject_id = (SELECT subject_id FROM ticket WHERE ticket.id = ticket_id)"
    )
    with op.batch_alter_table("ticket") as batch_op:
        for name, (kind, _value) in TICKET.items():
            batch_op.alter_column(name, existing_type=kind, nullable=False)
    with op.batch_alter_table("ticket_event") as batch_op:
        batch_op.alter_column("reason", existing_type=sa.String(32), nullable=False)
        batch_op.alter_column("subject_id", existing_type=sa.Uuid(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "sla_policy",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("around_the_clock", sa.JSON(), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("published_name", sa.String(length=80), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_sla_policy")),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("serial_number", sa.String(length=40), nullable=False),
        sa.Column("udi", sa.String(length=80), nullable=True),
        sa.Column("model", sa.String(length=60), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("contract_number", sa.String(length=40), nullable=False),
        sa.Column("contract_until", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_device_department_id_department")),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_device_hospital_id_hospital")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("serial_number", name=op.f("uq_device_serial_number")),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index("ix_device_hospital", ["hospital_id", "model", "id"], unique=False)
        batch_op.create_index("ix_device_udi", ["udi"], unique=False)

    op.create_table(
        "part_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("part_number", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("quantity", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("eta", sa.Date(), nullable=True),
        sa.Column("wanted_by", sa.Uuid(), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_part_line_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_line")),
    )
    with op.batch_alter_table("part_line", schema=None) as batch_op:
        batch_op.create_index("ix_part_line_ticket", ["ticket_id", "wanted_at"], unique=False)

    op.create_table(
        "quote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("misuse_evidence", sa.String(length=1000), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_name", sa.String(length=80), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_quote_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        sa.UniqueConstraint("ticket_id", "version", name=op.f("uq_quote_ticket_id_version")),
    )
    op.create_table(
        "repair_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("in_depot", sa.Boolean(), nullable=False),
        sa.Column("fault", sa.String(length=1000), nullable=False),
        sa.Column("action", sa.String(length=1000), nullable=False),
        sa.Column("repairer_id", sa.Uuid(), nullable=True),
        sa.Column("repairer_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_repair_record_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_record")),
    )
    with op.batch_alter_table("repair_record", schema=None) as batch_op:
        batch_op.create_index("ix_repair_record_ticket", ["ticket_id", "at"], unique=False)

    op.create_table(
        "sheet_row",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("release", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.Column("gauge_number", sa.String(length=40), nullable=False),
        sa.Column("gauge_valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sheet_row_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_row")),
    )
    with op.batch_alter_table("sheet_row", schema=None) as batch_op:
        batch_op.create_index("ix_sheet_row_ticket", ["ticket_id", "cycle", "at"], unique=False)

    op.create_table(
        "sla_clock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("metric", sa.String(length=16), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.Column("budget_seconds", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_seconds", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar_snapshot.id"], name=op.f("fk_sla_clock_calendar_id_calendar_snapshot")
        ),
        sa.ForeignKeyConstraint(
            ["policy_version"], ["sla_policy.version"], name=op.f("fk_sla_clock_policy_version_sla_policy")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_clock_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_clock")),
        sa.UniqueConstraint("ticket_id", "cycle", "metric", name=op.f("uq_sla_clock_ticket_id_cycle_metric")),
    )
    with op.batch_alter_table("sla_clock", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sla_clock_running",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("stopped_at IS NULL"),
            postgresql_where=sa.text("stopped_at IS NULL"),
        )
        batch_op.create_index("ix_sla_clock_stopped", ["metric", "stopped_at"], unique=False)

    op.create_table(
        "sla_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("cycle", sa.SmallInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("metric", sa.String(length=16), nullable=True),
        sa.Column("pause", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("stops", sa.JSON(), nullable=False),
        sa.Column("planned_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_event_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_event")),
        sa.UniqueConstraint("ticket_id", "cycle", "seq", name=op.f("uq_sla_event_ticket_id_cycle_seq")),
    )
    op.create_table(
        "ticket_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("is_reporter", sa.Boolean(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("phone_tail", sa.LargeBinary(length=32), nullable=True),
        sa.Column("attested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wording", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_contact_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_contact")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_ticket_contact_ticket_id")),
    )
    with op.batch_alter_table("ticket_contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_contact_phone_index"), ["phone_index"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_contact_phone_tail"), ["phone_tail"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_contact_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "ticket_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("answers_id", sa.Uuid(), nullable=True),
        sa.Column("outbox_key", sa.String(length=120), nullable=True),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["answers_id"], ["ticket_message.id"], name=op.f("fk_ticket_message_answers_id_ticket_message")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_message_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_message")),
    )
    with op.batch_alter_table("ticket_message", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_message_ticket", ["ticket_id", "at", "id"], unique=False)

    op.create_table(
        "escalation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clock_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clock_id"], ["sla_clock.id"], name=op.f("fk_escalation_clock_id_sla_clock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint("clock_id", "level", name=op.f("uq_escalation_clock_id_level")),
    )
    with op.batch_alter_table("escalation", schema=None) as batch_op:
        batch_op.create_index(
            "ix_escalation_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("fired_at IS NULL"),
            postgresql_where=sa.text("fired_at IS NULL"),
        )

    op.create_table(
        "ticket_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("thumbnail_id", sa.Uuid(), nullable=True),
        sa.Column("upload_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_ticket_file_file_id_stored_file")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["ticket_message.id"], name=op.f("fk_ticket_file_message_id_ticket_message")
        ),
        sa.ForeignKeyConstraint(
            ["thumbnail_id"], ["stored_file.id"], name=op.f("fk_ticket_file_thumbnail_id_stored_file")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_file_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_file")),
    )
    with op.batch_alter_table("ticket_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_file_file_id"), ["file_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_file_thumbnail_id"), ["thumbnail_id"], unique=False)
        batch_op.create_index("ix_ticket_file_ticket", ["ticket_id", "kind", "place"], unique=False)

    op.create_table(
        "custody_leg",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(length=16), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("holder_name", sa.String(length=120), nullable=False),
        sa.Column("serial_scanned", sa.String(length=40), nullable=False),
        sa.Column("accessories", sa.String(length=200), nullable=False),
        sa.Column("seal_number", sa.String(length=40), nullable=False),
        sa.Column("courier_number", sa.String(length=40), nullable=False),
        sa.Column("decontaminated", sa.Boolean(), nullable=False),
        sa.Column("biohazard_approved_by", sa.Uuid(), nullable=True),
        sa.Column("receipt_file_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["receipt_file_id"], ["ticket_file.id"], name=op.f("fk_custody_leg_receipt_file_id_ticket_file")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_custody_leg_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custody_leg")),
    )
    with op.batch_alter_table("custody_leg", schema=None) as batch_op:
        batch_op.create_index("ix_custody_leg_ticket", ["ticket_id", "opened_at"], unique=False)
        batch_op.create_index(
            "uq_custody_leg_open",
            ["ticket_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("voice_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("cycle", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("device_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("triager_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("triager_name", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("priority", sa.String(length=2), nullable=True))
        batch_op.add_column(sa.Column("fault_class", sa.String(length=24), nullable=True))
        batch_op.add_column(sa.Column("service_mode", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("warranty_basis", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("no_serial_reason", sa.String(length=24), nullable=True))
        batch_op.add_column(sa.Column("harm", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("hospital_matched", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("duplicates_reviewed", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("final_notice_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("assignee_kind", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("assignee_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("assignee_name", sa.String(length=120), nullable=True))
        batch_op.add_column(sa.Column("may_repair", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("accept_by", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("window_from", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("window_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("call_first", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("reschedules", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("field_job", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("safety_hold", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("repeat_of_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("reopened", sa.Integer(), nullable=True))
        batch_op.create_index("ix_ticket_assignee", ["assignee_id", "status", "window_from", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_device_id"), ["device_id"], unique=False)
        batch_op.create_index("ix_ticket_due", ["status", "due_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_repeat_of_id"), ["repeat_of_id"], unique=False)
        batch_op.create_index("ix_ticket_triager", ["triager_id", "status"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_ticket_repeat_of_id_ticket"), "ticket", ["repeat_of_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_ticket_device_id_device"), "device", ["device_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_ticket_merged_into_id_ticket"), "ticket", ["merged_into_id"], ["id"])

    with op.batch_alter_table("ticket_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reason", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("subject_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("text_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("note_sealed", sa.LargeBinary(), nullable=True))
    fill()


def downgrade() -> None:
    with op.batch_alter_table("ticket_event", schema=None) as batch_op:
        batch_op.drop_column("note_sealed")
        batch_op.drop_column("text_sealed")
        batch_op.drop_column("subject_id")
        batch_op.drop_column("reason")

    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_ticket_merged_into_id_ticket"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_ticket_device_id_device"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_ticket_repeat_of_id_ticket"), type_="foreignkey")
        batch_op.drop_index("ix_ticket_triager")
        batch_op.drop_index(batch_op.f("ix_ticket_repeat_of_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_merged_into_id"))
        batch_op.drop_index("ix_ticket_due")
        batch_op.drop_index(batch_op.f("ix_ticket_device_id"))
        batch_op.drop_index("ix_ticket_assignee")
        batch_op.drop_column("reopened")
        batch_op.drop_column("repeat_of_id")
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("safety_hold")
        batch_op.drop_column("field_job")
        batch_op.drop_column("reschedules")
        batch_op.drop_column("call_first")
        batch_op.drop_column("window_until")
        batch_op.drop_column("window_from")
        batch_op.drop_column("accept_by")
        batch_op.drop_column("may_repair")
        batch_op.drop_column("assignee_name")
        batch_op.drop_column("assignee_id")
        batch_op.drop_column("assignee_kind")
        batch_op.drop_column("final_notice_at")
        batch_op.drop_column("answer_by")
        batch_op.drop_column("duplicates_reviewed")
        batch_op.drop_column("hospital_matched")
        batch_op.drop_column("harm")
        batch_op.drop_column("no_serial_reason")
        batch_op.drop_column("warranty_basis")
        batch_op.drop_column("service_mode")
        batch_op.drop_column("fault_class")
        batch_op.drop_column("priority")
        batch_op.drop_column("touched_at")
        batch_op.drop_column("triager_name")
        batch_op.drop_column("triager_id")
        batch_op.drop_column("device_id")
        batch_op.drop_column("due_at")
        batch_op.drop_column("cycle")
        batch_op.drop_column("voice_sealed")

    with op.batch_alter_table("custody_leg", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_custody_leg_open",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.drop_index("ix_custody_leg_ticket")

    op.drop_table("custody_leg")
    with op.batch_alter_table("ticket_file", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_file_ticket")
        batch_op.drop_index(batch_op.f("ix_ticket_file_thumbnail_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_file_file_id"))

    op.drop_table("ticket_file")
    with op.batch_alter_table("escalation", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_escalation_due", sqlite_where=sa.text("fired_at IS NULL"), postgresql_where=sa.text("fired_at IS NULL")
        )

    op.drop_table("escalation")
    with op.batch_alter_table("ticket_message", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_message_ticket")

    op.drop_table("ticket_message")
    with op.batch_alter_table("ticket_contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_contact_subject_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_contact_phone_tail"))
        batch_op.drop_index(batch_op.f("ix_ticket_contact_phone_index"))

    op.drop_table("ticket_contact")
    op.drop_table("sla_event")
    with op.batch_alter_table("sla_clock", schema=None) as batch_op:
        batch_op.drop_index("ix_sla_clock_stopped")
        batch_op.drop_index(
            "ix_sla_clock_running",
            sqlite_where=sa.text("stopped_at IS NULL"),
            postgresql_where=sa.text("stopped_at IS NULL"),
        )

    op.drop_table("sla_clock")
    with op.batch_alter_table("sheet_row", schema=None) as batch_op:
        batch_op.drop_index("ix_sheet_row_ticket")

    op.drop_table("sheet_row")
    with op.batch_alter_table("repair_record", schema=None) as batch_op:
        batch_op.drop_index("ix_repair_record_ticket")

    op.drop_table("repair_record")
    op.drop_table("quote")
    with op.batch_alter_table("part_line", schema=None) as batch_op:
        batch_op.drop_index("ix_part_line_ticket")

    op.drop_table("part_line")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index("ix_device_udi")
        batch_op.drop_index("ix_device_hospital")

    op.drop_table("device")
    op.drop_table("sla_policy")
