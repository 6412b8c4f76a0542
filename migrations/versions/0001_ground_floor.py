"""The ground floor and the registration story: every table of the first release, and the append-only triggers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# What keeps the audit log, policy versions and the consent ledger append-only
CREATE_TRIGGERS = {
    "postgresql": (
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'audit_event is append-only'; END $$",
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
        "CREATE OR REPLACE FUNCTION policy_version_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'policy_version is append-only'; END $$",
        "CREATE TRIGGER policy_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON policy_version FOR EACH STATEMENT EXECUTE FUNCTION policy_version_append_only()",
        "CREATE OR REPLACE FUNCTION consent_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'consent_entry is append-only'; END $$",
        "CREATE TRIGGER consent_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_entry FOR EACH STATEMENT EXECUTE FUNCTION consent_entry_append_only()",
    ),
    "sqlite": (
        "CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
        "CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
        "CREATE TRIGGER policy_version_no_update BEFORE UPDATE ON policy_version BEGIN SELECT RAISE(ABORT, 'policy_version is append-only'); END",
        "CREATE TRIGGER policy_version_no_delete BEFORE DELETE ON policy_version BEGIN SELECT RAISE(ABORT, 'policy_version is append-only'); END",
        "CREATE TRIGGER consent_entry_no_update BEFORE UPDATE ON consent_entry BEGIN SELECT RAISE(ABORT, 'consent_entry is append-only'); END",
        "CREATE TRIGGER consent_entry_no_delete BEFORE DELETE ON consent_entry BEGIN SELECT RAISE(ABORT, 'consent_entry is append-only'); END",
    ),
}
DROP_TRIGGERS = {
    "postgresql": (
        "DROP TRIGGER IF EXISTS policy_version_append_only ON policy_version",
        "DROP TRIGGER IF EXISTS consent_entry_append_only ON consent_entry",
        "DROP FUNCTION IF EXISTS policy_version_append_only()",
        "DROP FUNCTION IF EXISTS consent_entry_append_only()",
        "DROP TRIGGER IF EXISTS audit_event_no_truncate ON audit_event",
        "DROP TRIGGER IF EXISTS audit_event_append_only ON audit_event",
        "DROP FUNCTION IF EXISTS audit_event_refuse() CASCADE",
    ),
    "sqlite": (
        "DROP TRIGGER IF EXISTS policy_version_no_update",
        "DROP TRIGGER IF EXISTS policy_version_no_delete",
        "DROP TRIGGER IF EXISTS consent_entry_no_update",
        "DROP TRIGGER IF EXISTS consent_entry_no_delete",
        "DROP TRIGGER IF EXISTS audit_event_no_delete",
        "DROP TRIGGER IF EXISTS audit_event_no_update",
    ),
}


def upgrade() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(length=7), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain", sa.String(length=7), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=32), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.String(length=128), nullable=False),
        sa.Column("session_hash", sa.String(length=64), nullable=True),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=64), nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("result", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("note_commitment", sa.String(length=64), nullable=True),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("row_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
        sa.UniqueConstraint("chain", "seq", name="uq_audit_event_chain_seq"),
    )
    op.create_index("ix_audit_event_actor", "audit_event", ["actor_id", "recorded_at"], unique=False)
    op.create_index("ix_audit_event_actor_name", "audit_event", ["actor_name", "recorded_at"], unique=False)
    op.create_index("ix_audit_event_event", "audit_event", ["event", "recorded_at"], unique=False)
    op.create_index("ix_audit_event_object", "audit_event", ["object_id", "recorded_at"], unique=False)
    op.create_index("ix_audit_event_recorded_at_id", "audit_event", ["recorded_at", "id"], unique=False)
    op.create_table(
        "audit_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_note")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_note_event_id")),
    )
    op.create_table(
        "audit_verification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("chains", sa.Integer(), nullable=False),
        sa.Column("checkpoints", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_verification")),
    )
    op.create_index(op.f("ix_audit_verification_at"), "audit_verification", ["at"], unique=False)
    op.create_table(
        "business_number",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_business_number")),
    )
    op.create_table(
        "calendar_state",
        sa.Column("id", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_state")),
    )
    op.create_table(
        "channel_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_hold")),
        sa.UniqueConstraint("channel", name=op.f("uq_channel_hold_channel")),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("phone_tail", sa.LargeBinary(length=32), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("gender_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("adult_asserted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name_failures", sa.Integer(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_customer_subject_id")),
    )
    op.create_index(op.f("ix_customer_name_index"), "customer", ["name_index"], unique=False)
    op.create_index(op.f("ix_customer_phone_tail"), "customer", ["phone_tail"], unique=False)
    op.create_index(
        "uq_customer_phone",
        "customer",
        ["phone_index"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "data_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=128), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("kek", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
    )
    op.create_index(
        "uq_data_key_active",
        "data_key",
        ["purpose"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "dealer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dealer")),
        sa.UniqueConstraint("name", name=op.f("uq_dealer_name")),
    )
    op.create_table(
        "hospital",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column(
            "name",
            sa.String(length=120).with_variant(sa.String(length=120, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.CheckConstraint("lat IS NULL OR (lat BETWEEN -90 AND 90)", name=op.f("ck_hospital_lat_range")),
        sa.CheckConstraint("lon IS NULL OR (lon BETWEEN -180 AND 180)", name=op.f("ck_hospital_lon_range")),
        sa.ForeignKeyConstraint(["merged_into"], ["hospital.id"], name=op.f("fk_hospital_merged_into_hospital")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital")),
        sa.UniqueConstraint("code", name=op.f("uq_hospital_code")),
    )
    op.create_index(op.f("ix_hospital_merged_into"), "hospital", ["merged_into"], unique=False)
    op.create_index("ix_hospital_name_id", "hospital", ["name", "id"], unique=False)
    op.create_index("ix_hospital_position", "hospital", ["lat", "lon"], unique=False)
    op.create_index("ix_hospital_province_name", "hospital", ["province", "name", "id"], unique=False)
    op.create_index(
        "uq_hospital_name",
        "hospital",
        ["province", "city", "name_key"],
        unique=True,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("scope_hash", "key_hash", name=op.f("uq_idempotency_key_scope_hash_key_hash")),
    )
    op.create_index(op.f("ix_idempotency_key_expires_at"), "idempotency_key", ["expires_at"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("locked_by", sa.String(length=64), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_state_locked_until", "job", ["state", "locked_until"], unique=False)
    op.create_index("ix_job_state_run_at", "job", ["state", "run_at", "id"], unique=False)
    op.create_index(
        "uq_job_key_ready",
        "job",
        ["key"],
        unique=True,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "job_period",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_job_period")),
    )
    op.create_table(
        "login_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("audience", sa.String(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_code")),
    )
    op.create_index(op.f("ix_login_code_expires_at"), "login_code", ["expires_at"], unique=False)
    op.create_index("ix_login_code_phone", "login_code", ["phone_index", "audience", "created_at"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("fallbacks", sa.JSON(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("address_subject", sa.LargeBinary(), nullable=True),
        sa.Column("address_class", sa.LargeBinary(), nullable=True),
        sa.Column("params_subject", sa.LargeBinary(), nullable=True),
        sa.Column("params_class", sa.LargeBinary(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.String(length=128), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_created_at", "message", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_message_staff_id"), "message", ["staff_id"], unique=False)
    op.create_index("ix_message_state_not_before", "message", ["state", "not_before"], unique=False)
    op.create_index(op.f("ix_message_subject_id"), "message", ["subject_id"], unique=False)
    op.create_index(
        "uq_message_dedupe_key",
        "message",
        ["dedupe_key"],
        unique=True,
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("updated_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("material", sa.Boolean(), nullable=False),
        sa.Column("change_note", sa.String(length=400), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("no >= 1", name=op.f("ck_policy_version_no_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint("no", name=op.f("uq_policy_version_no")),
    )
    op.create_table(
        "review_reason",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("section", sa.String(length=8), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("private_text", sa.String(length=60), nullable=False),
        sa.Column("public_long", sa.String(length=200), nullable=False),
        sa.Column("public_short", sa.String(length=20), nullable=False),
        sa.Column("second_person", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_reason")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_review_reason_code_version")),
    )
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("worklist", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("query", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("staff_id", "worklist", "name", name=op.f("uq_saved_view_staff_id_worklist_name")),
    )
    op.create_index(op.f("ix_saved_view_staff_id"), "saved_view", ["staff_id"], unique=False)
    op.create_table(
        "search_entry",
        sa.Column("index_name", sa.String(length=32), nullable=False),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("index_name", "ref_id", name=op.f("pk_search_entry")),
    )
    op.create_table(
        "search_gram",
        sa.Column("index_name", sa.String(length=32), nullable=False),
        sa.Column(
            "gram", sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("ref_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("index_name", "gram", "ref_id", name=op.f("pk_search_gram")),
    )
    op.create_index("ix_search_gram_ref", "search_gram", ["index_name", "ref_id"], unique=False)
    op.create_table(
        "serial_counter",
        sa.Column("prefix", sa.String(length=8), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", "day", name=op.f("pk_serial_counter")),
    )
    op.create_table(
        "staff_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dealer_id", sa.Uuid(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_pending_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('invited', 'active', 'disabled')", name=op.f("ck_staff_account_state")),
        sa.ForeignKeyConstraint(["dealer_id"], ["dealer.id"], name=op.f("fk_staff_account_dealer_id_dealer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_account")),
        sa.UniqueConstraint("email", name="uq_staff_account_email"),
    )
    op.create_index(op.f("ix_staff_account_dealer_id"), "staff_account", ["dealer_id"], unique=False)
    op.create_index("ix_staff_account_name_id", "staff_account", ["name", "id"], unique=False)
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("object_key", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("object_key", name="uq_stored_file_object_key"),
    )
    op.create_index("ix_stored_file_erase_at", "stored_file", ["erase_at"], unique=False)
    op.create_index("ix_stored_file_unfinished", "stored_file", ["erased_at", "purged_at"], unique=False)
    op.create_table(
        "throttle_hit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttle_hit")),
    )
    op.create_index(op.f("ix_throttle_hit_expires_at"), "throttle_hit", ["expires_at"], unique=False)
    op.create_index("ix_throttle_hit_key_at", "throttle_hit", ["key_mac", "at"], unique=False)
    op.create_table(
        "wechat_follower",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("openid_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("openid_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("following", sa.Boolean(), nullable=False),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_follower")),
        sa.UniqueConstraint("appid", "openid_index", name=op.f("uq_wechat_follower_appid_openid_index")),
    )
    op.create_table(
        "wechat_seen",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_seen")),
        sa.UniqueConstraint("digest", name=op.f("uq_wechat_seen_digest")),
    )
    op.create_index(op.f("ix_wechat_seen_expires_at"), "wechat_seen", ["expires_at"], unique=False)
    op.create_table(
        "wechat_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_token")),
        sa.UniqueConstraint("appid", name=op.f("uq_wechat_token_appid")),
    )
    op.create_table(
        "working_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_working_day")),
    )
    op.create_table(
        "consent_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("wording_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_consent_entry_seq_from_one")),
        sa.ForeignKeyConstraint(
            ["policy_version"], ["policy_version.no"], name=op.f("fk_consent_entry_policy_version_policy_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_entry")),
        sa.UniqueConstraint("subject_id", "purpose", "seq", name=op.f("uq_consent_entry_subject_id_purpose_seq")),
    )
    op.create_table(
        "customer_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("absolute_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_token_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_customer_token_token_hash")),
    )
    op.create_index(op.f("ix_customer_token_customer_id"), "customer_token", ["customer_id"], unique=False)
    op.create_index(op.f("ix_customer_token_expires_at"), "customer_token", ["expires_at"], unique=False)
    op.create_table(
        "department",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column(
            "name",
            sa.String(length=120).with_variant(sa.String(length=120, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_department_hospital_id_hospital")),
        sa.ForeignKeyConstraint(["merged_into"], ["department.id"], name=op.f("fk_department_merged_into_department")),
        sa.ForeignKeyConstraint(["parent_id"], ["department.id"], name=op.f("fk_department_parent_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
    )
    op.create_index(
        "uq_department_name",
        "department",
        ["hospital_id", "name_key"],
        unique=True,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_account.id"], name=op.f("fk_invitation_staff_id_staff_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),
    )
    op.create_index(op.f("ix_invitation_staff_id"), "invitation", ["staff_id"], unique=False)
    op.create_table(
        "key_rotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("data_key_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=128), nullable=False),
        sa.Column("after_id", sa.String(length=64), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["data_key_id"], ["data_key.id"], name=op.f("fk_key_rotation_data_key_id_data_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_rotation")),
        sa.UniqueConstraint("data_key_id", "place", name="uq_key_rotation_place"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_mac", sa.LargeBinary(length=32), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_recovery_code_staff_id_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("staff_id", "code_mac", name="uq_recovery_code_staff_id_code_mac"),
    )
    op.create_table(
        "rights_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_rights_request_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
        sa.UniqueConstraint("number", name=op.f("uq_rights_request_number")),
    )
    op.create_index(op.f("ix_rights_request_customer_id"), "rights_request", ["customer_id"], unique=False)
    op.create_index("ix_rights_request_due", "rights_request", ["state", "due_on"], unique=False)
    op.create_table(
        "role_assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("provinces", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_role_assignment_staff_id_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_assignment")),
        sa.UniqueConstraint("staff_id", "role", name="uq_role_assignment_staff_id_role"),
    )
    op.create_index(op.f("ix_role_assignment_role"), "role_assignment", ["role"], unique=False)
    op.create_table(
        "staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=32), nullable=True),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("address_mac", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_staff_session_staff_id_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_session")),
        sa.UniqueConstraint("token_hash", name="uq_staff_session_token_hash"),
    )
    op.create_index("ix_staff_session_staff_id_created_at", "staff_session", ["staff_id", "created_at"], unique=False)
    op.create_table(
        "wechat_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("appid", sa.String(length=64), nullable=False),
        sa.Column("openid_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("openid_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("unionid_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_wechat_identity_customer_id_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_identity")),
        sa.UniqueConstraint("appid", "openid_index", name=op.f("uq_wechat_identity_appid_openid_index")),
    )
    op.create_index(op.f("ix_wechat_identity_customer_id"), "wechat_identity", ["customer_id"], unique=False)
    op.create_table(
        "wechat_subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follower_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.String(length=64), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("credits >= 0", name=op.f("ck_wechat_subscription_credits_not_negative")),
        sa.ForeignKeyConstraint(
            ["follower_id"],
            ["wechat_follower.id"],
            name=op.f("fk_wechat_subscription_follower_id_wechat_follower"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_subscription")),
        sa.UniqueConstraint("follower_id", "template_id", name=op.f("uq_wechat_subscription_follower_id_template_id")),
    )
    op.create_table(
        "customer_profile",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_profile_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_customer_profile_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospital.id"], name=op.f("fk_customer_profile_hospital_id_hospital")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_profile")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_customer_profile_registration_id")),
    )
    op.create_index("ix_customer_profile_customer", "customer_profile", ["customer_id", "effective_at"], unique=False)
    op.create_index(op.f("ix_customer_profile_name_index"), "customer_profile", ["name_index"], unique=False)
    op.create_index("ix_customer_profile_place", "customer_profile", ["hospital_id", "department_id"], unique=False)
    op.create_table(
        "unknown_name",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=120), nullable=False),
        sa.Column("text_key", sa.String(length=120), nullable=False),
        sa.Column("scope_key", sa.String(length=32), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("within_id", sa.Uuid(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("mapped_hospital_id", sa.Uuid(), nullable=True),
        sa.Column("mapped_department_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by_name", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_unknown_name_hospital_id_hospital")),
        sa.ForeignKeyConstraint(
            ["mapped_department_id"], ["department.id"], name=op.f("fk_unknown_name_mapped_department_id_department")
        ),
        sa.ForeignKeyConstraint(
            ["mapped_hospital_id"], ["hospital.id"], name=op.f("fk_unknown_name_mapped_hospital_id_hospital")
        ),
        sa.ForeignKeyConstraint(
            ["within_id"], ["unknown_name.id"], name=op.f("fk_unknown_name_within_id_unknown_name")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unknown_name")),
        sa.UniqueConstraint("kind", "scope_key", "text_key", name=op.f("uq_unknown_name_kind_scope_key_text_key")),
    )
    op.create_index(
        op.f("ix_unknown_name_mapped_department_id"), "unknown_name", ["mapped_department_id"], unique=False
    )
    op.create_index(op.f("ix_unknown_name_mapped_hospital_id"), "unknown_name", ["mapped_hospital_id"], unique=False)
    op.create_index("ix_unknown_name_state_first_seen", "unknown_name", ["state", "first_seen", "id"], unique=False)
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("evidence_version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("unknown_hospital_id", sa.Uuid(), nullable=True),
        sa.Column("hospital_text", sa.String(length=120), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("unknown_department_id", sa.Uuid(), nullable=True),
        sa.Column("department_text", sa.String(length=120), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_before", sa.String(length=32), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appeal_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("suspended_by", sa.Uuid(), nullable=True),
        sa.Column("lease_staff_id", sa.Uuid(), nullable=True),
        sa.Column("lease_name", sa.String(length=80), nullable=True),
        sa.Column("lease_nonce", sa.LargeBinary(length=16), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_registration_customer_id_customer")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_registration_department_id_department")
        ),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_registration_hospital_id_hospital")),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["registration.id"], name=op.f("fk_registration_merged_into_registration")
        ),
        sa.ForeignKeyConstraint(
            ["unknown_department_id"],
            ["unknown_name.id"],
            name=op.f("fk_registration_unknown_department_id_unknown_name"),
        ),
        sa.ForeignKeyConstraint(
            ["unknown_hospital_id"], ["unknown_name.id"], name=op.f("fk_registration_unknown_hospital_id_unknown_name")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("number", name=op.f("uq_registration_number")),
    )
    op.create_index("ix_registration_changed", "registration", ["status", "changed_at", "id"], unique=False)
    op.create_index(op.f("ix_registration_customer_id"), "registration", ["customer_id"], unique=False)
    op.create_index(op.f("ix_registration_hospital_id"), "registration", ["hospital_id"], unique=False)
    op.create_index(
        "ix_registration_lease",
        "registration",
        ["lease_staff_id"],
        unique=False,
        sqlite_where=sa.text("lease_staff_id IS NOT NULL"),
        postgresql_where=sa.text("lease_staff_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_registration_name_index"), "registration", ["name_index"], unique=False)
    op.create_index("ix_registration_province", "registration", ["province", "status", "due_at", "id"], unique=False)
    op.create_index("ix_registration_queue", "registration", ["status", "due_at", "id"], unique=False)
    op.create_index(op.f("ix_registration_unknown_hospital_id"), "registration", ["unknown_hospital_id"], unique=False)
    op.create_index(
        "ix_registration_wakes",
        "registration",
        ["wakes_at"],
        unique=False,
        sqlite_where=sa.text("wakes_at IS NOT NULL"),
        postgresql_where=sa.text("wakes_at IS NOT NULL"),
    )
    op.create_index(
        "uq_registration_open_customer",
        "registration",
        ["customer_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'needs_resubmission', 'awaiting_second', 'on_hold', 'appealed')"),
        postgresql_where=sa.text(
            "status IN ('pending', 'needs_resubmission', 'awaiting_second', 'on_hold', 'appealed')"
        ),
    )
    op.create_table(
        "field_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_field_check_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_check")),
        sa.UniqueConstraint(
            "registration_id", "round", "field", name=op.f("uq_field_check_registration_id_round_field")
        ),
    )
    op.create_table(
        "registration_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("evidence_version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("status_from", sa.String(length=32), nullable=True),
        sa.Column("status_to", sa.String(length=32), nullable=False),
        sa.Column("reason_codes", sa.JSON(), nullable=False),
        sa.Column("reason_versions", sa.JSON(), nullable=False),
        sa.Column("proposal", sa.String(length=32), nullable=True),
        sa.Column("public_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undoes_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_registration_event_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["registration_event.id"], name=op.f("fk_registration_event_undoes_id_registration_event")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_event")),
        sa.UniqueConstraint("registration_id", "version", name=op.f("uq_registration_event_registration_id_version")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_registration_event_undoes_id")),
    )
    op.create_index("ix_registration_event_by", "registration_event", ["by_id", "at"], unique=False)
    op.create_table(
        "review_draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("entered_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("handed_back_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_review_draft_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_draft")),
        sa.UniqueConstraint("registration_id", "staff_id", name=op.f("uq_review_draft_registration_id_staff_id")),
    )
    op.create_index(op.f("ix_review_draft_staff_id"), "review_draft", ["staff_id"], unique=False)
    op.create_table(
        "submission",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("evidence_version", sa.Integer(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("hospital_id", sa.Uuid(), nullable=True),
        sa.Column("unknown_hospital_id", sa.Uuid(), nullable=True),
        sa.Column("hospital_text", sa.String(length=120), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("unknown_department_id", sa.Uuid(), nullable=True),
        sa.Column("department_text", sa.String(length=120), nullable=False),
        sa.Column("position", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("is_adult", sa.Boolean(), nullable=False),
        sa.Column("policy_version", sa.String(length=20), nullable=False),
        sa.Column("consent_ids", sa.JSON(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_submission_department_id_department")
        ),
        sa.ForeignKeyConstraint(["hospital_id"], ["hospital.id"], name=op.f("fk_submission_hospital_id_hospital")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_submission_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["unknown_department_id"],
            ["unknown_name.id"],
            name=op.f("fk_submission_unknown_department_id_unknown_name"),
        ),
        sa.ForeignKeyConstraint(
            ["unknown_hospital_id"], ["unknown_name.id"], name=op.f("fk_submission_unknown_hospital_id_unknown_name")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("registration_id", "round", name=op.f("uq_submission_registration_id_round")),
    )
    op.create_table(
        "submission_image",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("main_id", sa.Uuid(), nullable=False),
        sa.Column("thumbnail_id", sa.Uuid(), nullable=False),
        sa.Column("upload_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["main_id"], ["stored_file.id"], name=op.f("fk_submission_image_main_id_stored_file")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_submission_image_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_submission_image_submission_id_submission")
        ),
        sa.ForeignKeyConstraint(
            ["thumbnail_id"], ["stored_file.id"], name=op.f("fk_submission_image_thumbnail_id_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_image")),
        sa.UniqueConstraint("submission_id", "place", name=op.f("uq_submission_image_submission_id_place")),
    )
    op.create_index(op.f("ix_submission_image_registration_id"), "submission_image", ["registration_id"], unique=False)
    for statement in CREATE_TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in DROP_TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.drop_index(op.f("ix_submission_image_registration_id"), table_name="submission_image")
    op.drop_table("submission_image")
    op.drop_table("submission")
    op.drop_index(op.f("ix_review_draft_staff_id"), table_name="review_draft")
    op.drop_table("review_draft")
    op.drop_index("ix_registration_event_by", table_name="registration_event")
    op.drop_table("registration_event")
    op.drop_table("field_check")
    op.drop_index(
        "uq_registration_open_customer",
        table_name="registration",
        sqlite_where=sa.text("status IN ('pending', 'needs_resubmission', 'awaiting_second', 'on_hold', 'appealed')"),
        postgresql_where=sa.text(
            "status IN ('pending', 'needs_resubmission', 'awaiting_second', 'on_hold', 'appealed')"
        ),
    )
    op.drop_index("ix_registration_wakes", table_name="registration")
    op.drop_index(op.f("ix_registration_unknown_hospital_id"), table_name="registration")
    op.drop_index("ix_registration_queue", table_name="registration")
    op.drop_index("ix_registration_province", table_name="registration")
    op.drop_index(op.f("ix_registration_name_index"), table_name="registration")
    op.drop_index(
        "ix_registration_lease",
        table_name="registration",
        sqlite_where=sa.text("lease_staff_id IS NOT NULL"),
        postgresql_where=sa.text("lease_staff_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_registration_hospital_id"), table_name="registration")
    op.drop_index(op.f("ix_registration_customer_id"), table_name="registration")
    op.drop_index("ix_registration_changed", table_name="registration")
    op.drop_table("registration")
    op.drop_index("ix_unknown_name_state_first_seen", table_name="unknown_name")
    op.drop_index(op.f("ix_unknown_name_mapped_hospital_id"), table_name="unknown_name")
    op.drop_index(op.f("ix_unknown_name_mapped_department_id"), table_name="unknown_name")
    op.drop_table("unknown_name")
    op.drop_index("ix_customer_profile_place", table_name="customer_profile")
    op.drop_index(op.f("ix_customer_profile_name_index"), table_name="customer_profile")
    op.drop_index("ix_customer_profile_customer", table_name="customer_profile")
    op.drop_table("customer_profile")
    op.drop_table("wechat_subscription")
    op.drop_index(op.f("ix_wechat_identity_customer_id"), table_name="wechat_identity")
    op.drop_table("wechat_identity")
    op.drop_index("ix_staff_session_staff_id_created_at", table_name="staff_session")
    op.drop_table("staff_session")
    op.drop_index(op.f("ix_role_assignment_role"), table_name="role_assignment")
    op.drop_table("role_assignment")
    op.drop_index("ix_rights_request_due", table_name="rights_request")
    op.drop_index(op.f("ix_rights_request_customer_id"), table_name="rights_request")
    op.drop_table("rights_request")
    op.drop_table("recovery_code")
    op.drop_table("key_rotation")
    op.drop_index(op.f("ix_invitation_staff_id"), table_name="invitation")
    op.drop_table("invitation")
    op.drop_index(
        "uq_department_name",
        table_name="department",
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.drop_table("department")
    op.drop_index(op.f("ix_customer_token_expires_at"), table_name="customer_token")
    op.drop_index(op.f("ix_customer_token_customer_id"), table_name="customer_token")
    op.drop_table("customer_token")
    op.drop_table("consent_entry")
    op.drop_table("working_day")
    op.drop_table("wechat_token")
    op.drop_index(op.f("ix_wechat_seen_expires_at"), table_name="wechat_seen")
    op.drop_table("wechat_seen")
    op.drop_table("wechat_follower")
    op.drop_index("ix_throttle_hit_key_at", table_name="throttle_hit")
    op.drop_index(op.f("ix_throttle_hit_expires_at"), table_name="throttle_hit")
    op.drop_table("throttle_hit")
    op.drop_index("ix_stored_file_unfinished", table_name="stored_file")
    op.drop_index("ix_stored_file_erase_at", table_name="stored_file")
    op.drop_table("stored_file")
    op.drop_index("ix_staff_account_name_id", table_name="staff_account")
    op.drop_index(op.f("ix_staff_account_dealer_id"), table_name="staff_account")
    op.drop_table("staff_account")
    op.drop_table("serial_counter")
    op.drop_index("ix_search_gram_ref", table_name="search_gram")
    op.drop_table("search_gram")
    op.drop_table("search_entry")
    op.drop_index(op.f("ix_saved_view_staff_id"), table_name="saved_view")
    op.drop_table("saved_view")
    op.drop_table("review_reason")
    op.drop_table("policy_version")
    op.drop_index(
        "uq_message_dedupe_key",
        table_name="message",
        sqlite_where=sa.text("state <> 'cancelled'"),
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.drop_index(op.f("ix_message_subject_id"), table_name="message")
    op.drop_index("ix_message_state_not_before", table_name="message")
    op.drop_index(op.f("ix_message_staff_id"), table_name="message")
    op.drop_index("ix_message_created_at", table_name="message")
    op.drop_table("message")
    op.drop_index("ix_login_code_phone", table_name="login_code")
    op.drop_index(op.f("ix_login_code_expires_at"), table_name="login_code")
    op.drop_table("login_code")
    op.drop_table("job_period")
    op.drop_index(
        "uq_job_key_ready",
        table_name="job",
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.drop_index("ix_job_state_run_at", table_name="job")
    op.drop_index("ix_job_state_locked_until", table_name="job")
    op.drop_table("job")
    op.drop_index(op.f("ix_idempotency_key_expires_at"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(
        "uq_hospital_name",
        table_name="hospital",
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.drop_index("ix_hospital_province_name", table_name="hospital")
    op.drop_index("ix_hospital_position", table_name="hospital")
    op.drop_index("ix_hospital_name_id", table_name="hospital")
    op.drop_index(op.f("ix_hospital_merged_into"), table_name="hospital")
    op.drop_table("hospital")
    op.drop_table("dealer")
    op.drop_index(
        "uq_data_key_active",
        table_name="data_key",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("data_key")
    op.drop_index(
        "uq_customer_phone",
        table_name="customer",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index(op.f("ix_customer_phone_tail"), table_name="customer")
    op.drop_index(op.f("ix_customer_name_index"), table_name="customer")
    op.drop_table("customer")
    op.drop_table("channel_hold")
    op.drop_table("calendar_state")
    op.drop_table("business_number")
    op.drop_index(op.f("ix_audit_verification_at"), table_name="audit_verification")
    op.drop_table("audit_verification")
    op.drop_table("audit_note")
    op.drop_index("ix_audit_event_recorded_at_id", table_name="audit_event")
    op.drop_index("ix_audit_event_object", table_name="audit_event")
    op.drop_index("ix_audit_event_event", table_name="audit_event")
    op.drop_index("ix_audit_event_actor_name", table_name="audit_event")
    op.drop_index("ix_audit_event_actor", table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_table("audit_checkpoint")
