"""Sums by day for the tickets' report, with triggers that name the days to be summed again; an index of what is mine."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

POSTGRESQL = (
    "CREATE FUNCTION ticket_day_of_ticket() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP <> 'INSERT' THEN INSERT INTO ticket_day_stale (day)  SELECT (OLD.opened_at AT TIME ZONE 'Asia/Shanghai')::date UNION SELECT (t.opened_at AT TIME ZONE 'Asia/Shanghai')::date FROM ticket t WHERE t.serial_number = OLD.serial_number AND t.opened_at > OLD.opened_at AND t.opened_at <= OLD.opened_at + interval '91 days'; END IF; IF TG_OP <> 'DELETE' THEN INSERT INTO ticket_day_stale (day)  SELECT (NEW.opened_at AT TIME ZONE 'Asia/Shanghai')::date UNION SELECT (t.opened_at AT TIME ZONE 'Asia/Shanghai')::date FROM ticket t WHERE t.serial_number = NEW.serial_number AND t.opened_at > NEW.opened_at AND t.opened_at <= NEW.opened_at + interval '91 days'; END IF; IF TG_OP = 'UPDATE' THEN INSERT INTO ticket_day_stale (day)  SELECT DISTINCT (c.stopped_at AT TIME ZONE 'Asia/Shanghai')::date FROM sla_clock c WHERE c.ticket_id = NEW.id AND c.stopped_at IS NOT NULL; END IF; RETURN NULL; END $$",
    "CREATE FUNCTION ticket_day_of_clock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP <> 'INSERT' AND OLD.stopped_at IS NOT NULL THEN INSERT INTO ticket_day_stale (day)  VALUES ((OLD.stopped_at AT TIME ZONE 'Asia/Shanghai')::date); END IF; IF TG_OP <> 'DELETE' AND NEW.stopped_at IS NOT NULL THEN INSERT INTO ticket_day_stale (day)  VALUES ((NEW.stopped_at AT TIME ZONE 'Asia/Shanghai')::date); END IF; RETURN NULL; END $$",
    "CREATE TRIGGER ticket_day_reported AFTER INSERT OR DELETE ON ticket FOR EACH ROW EXECUTE FUNCTION ticket_day_of_ticket()",
    "CREATE TRIGGER ticket_day_changed AFTER UPDATE OF status, opened_at, province, priority, device_model, serial_number, fault_class ON ticket FOR EACH ROW WHEN (OLD.opened_at IS DISTINCT FROM NEW.opened_at OR OLD.province IS DISTINCT FROM NEW.province OR OLD.priority IS DISTINCT FROM NEW.priority OR OLD.device_model IS DISTINCT FROM NEW.device_model OR OLD.serial_number IS DISTINCT FROM NEW.serial_number OR OLD.fault_class IS DISTINCT FROM NEW.fault_class OR (OLD.status IN ('cancelled', 'rejected', 'merged')) <> (NEW.status IN ('cancelled', 'rejected', 'merged'))) EXECUTE FUNCTION ticket_day_of_ticket()",
    "CREATE TRIGGER ticket_day_clock_made AFTER INSERT OR DELETE ON sla_clock FOR EACH ROW EXECUTE FUNCTION ticket_day_of_clock()",
    "CREATE TRIGGER ticket_day_clock_changed AFTER UPDATE OF stopped_at, outcome, metric ON sla_clock FOR EACH ROW WHEN (OLD.stopped_at IS DISTINCT FROM NEW.stopped_at OR OLD.outcome IS DISTINCT FROM NEW.outcome OR OLD.metric IS DISTINCT FROM NEW.metric) EXECUTE FUNCTION ticket_day_of_clock()",
)
SQLITE = (
    "CREATE TRIGGER ticket_day_reported AFTER INSERT ON ticket BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(NEW.opened_at, '+8 hours') AS d UNION SELECT date(t.opened_at, '+8 hours') FROM ticket t WHERE t.serial_number = NEW.serial_number AND t.opened_at > NEW.opened_at AND t.opened_at <= datetime(NEW.opened_at, '+91 days')) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
    "CREATE TRIGGER ticket_day_changed AFTER UPDATE OF status, opened_at, province, priority, device_model, serial_number, fault_class ON ticket WHEN OLD.opened_at IS NOT NEW.opened_at OR OLD.province IS NOT NEW.province OR OLD.priority IS NOT NEW.priority OR OLD.device_model IS NOT NEW.device_model OR OLD.serial_number IS NOT NEW.serial_number OR OLD.fault_class IS NOT NEW.fault_class OR (OLD.status IN ('cancelled', 'rejected', 'merged')) <> (NEW.status IN ('cancelled', 'rejected', 'merged')) BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(OLD.opened_at, '+8 hours') AS d UNION SELECT date(NEW.opened_at, '+8 hours') AS d UNION SELECT date(t.opened_at, '+8 hours') FROM ticket t WHERE t.serial_number = OLD.serial_number AND t.opened_at > OLD.opened_at AND t.opened_at <= datetime(OLD.opened_at, '+91 days') UNION SELECT date(t.opened_at, '+8 hours') FROM ticket t WHERE t.serial_number = NEW.serial_number AND t.opened_at > NEW.opened_at AND t.opened_at <= datetime(NEW.opened_at, '+91 days') UNION SELECT date(c.stopped_at, '+8 hours') FROM sla_clock c WHERE c.ticket_id = NEW.id AND c.stopped_at IS NOT NULL) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
    "CREATE TRIGGER ticket_day_removed AFTER DELETE ON ticket BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(OLD.opened_at, '+8 hours') AS d UNION SELECT date(t.opened_at, '+8 hours') FROM ticket t WHERE t.serial_number = OLD.serial_number AND t.opened_at > OLD.opened_at AND t.opened_at <= datetime(OLD.opened_at, '+91 days')) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
    "CREATE TRIGGER ticket_day_clock_made AFTER INSERT ON sla_clock BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(NEW.stopped_at, '+8 hours') AS d WHERE NEW.stopped_at IS NOT NULL) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
    "CREATE TRIGGER ticket_day_clock_changed AFTER UPDATE OF stopped_at, outcome, metric ON sla_clock WHEN OLD.stopped_at IS NOT NEW.stopped_at OR OLD.outcome IS NOT NEW.outcome OR OLD.metric IS NOT NEW.metric BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(OLD.stopped_at, '+8 hours') AS d WHERE OLD.stopped_at IS NOT NULL UNION SELECT date(NEW.stopped_at, '+8 hours') AS d WHERE NEW.stopped_at IS NOT NULL) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
    "CREATE TRIGGER ticket_day_clock_removed AFTER DELETE ON sla_clock BEGIN INSERT INTO ticket_day_stale (day) SELECT d FROM (SELECT date(OLD.stopped_at, '+8 hours') AS d WHERE OLD.stopped_at IS NOT NULL) WHERE d NOT IN (SELECT day FROM ticket_day_stale); END",
)
POSTGRESQL_DROP = (
    "DROP TRIGGER IF EXISTS ticket_day_clock_changed ON sla_clock",
    "DROP TRIGGER IF EXISTS ticket_day_clock_made ON sla_clock",
    "DROP TRIGGER IF EXISTS ticket_day_changed ON ticket",
    "DROP TRIGGER IF EXISTS ticket_day_reported ON ticket",
    "DROP FUNCTION IF EXISTS ticket_day_of_clock() CASCADE",
    "DROP FUNCTION IF EXISTS ticket_day_of_ticket() CASCADE",
)
SQLITE_DROP = (
    "DROP TRIGGER IF EXISTS ticket_day_reported",
    "DROP TRIGGER IF EXISTS ticket_day_changed",
    "DROP TRIGGER IF EXISTS ticket_day_removed",
    "DROP TRIGGER IF EXISTS ticket_day_clock_made",
    "DROP TRIGGER IF EXISTS ticket_day_clock_changed",
    "DROP TRIGGER IF EXISTS ticket_day_clock_removed",
)


def upgrade() -> None:
    op.create_table(
        "ticket_day",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("first", sa.String(length=60), nullable=False),
        sa.Column("second", sa.String(length=24), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", "province", "first", "second", name=op.f("pk_ticket_day")),
    )
    op.create_table(
        "ticket_day_stale",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_day_stale")),
    )
    op.create_index(op.f("ix_ticket_day_stale_day"), "ticket_day_stale", ["day"], unique=False)
    op.drop_index("ix_ticket_triager", table_name="ticket")
    op.create_index("ix_ticket_triager", "ticket", ["triager_id", "status", "due_at", "id"], unique=False)
    postgresql = op.get_bind().dialect.name == "postgresql"
    day = "({} AT TIME ZONE 'Asia/Shanghai')::date" if postgresql else "date({}, '+8 hours')"
    op.get_bind().exec_driver_sql(
        f"INSERT INTO ticket_day_stale (day) SELECT {day.format('opened_at')} FROM ticket "
        f"UNION SELECT {day.format('stopped_at')} FROM sla_clock WHERE stopped_at IS NOT NULL"
    )
    for statement in POSTGRESQL if postgresql else SQLITE:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRESQL_DROP if postgresql else SQLITE_DROP:
        op.get_bind().exec_driver_sql(statement)
    op.drop_index("ix_ticket_triager", table_name="ticket")
    op.create_index("ix_ticket_triager", "ticket", ["triager_id", "status"], unique=False)
    op.drop_index(op.f("ix_ticket_day_stale_day"), table_name="ticket_day_stale")
    op.drop_table("ticket_day_stale")
    op.drop_table("ticket_day")
