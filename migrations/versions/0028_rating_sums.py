"""Sums of ratings by month, which of them no longer hold, and when an invitation went out."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

COUNTED = (
    "status, score, outcome, message_key, link_key, delivered_at, closed_at, opened_at, province, "
    "engineer_id, engineer_name, product, job_kind, subject_id"
)
INSERT = "INSERT INTO rating_stale (month, province)"
CELL = {
    "sqlite": "SELECT strftime('%Y-%m', {0}.closed_at, '+8 hours'), {0}.province",
    "postgresql": "SELECT to_char({0}.closed_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), {0}.province",
}


def triggers(dialect: str) -> list[tuple[str, str, str, str]]:
    new, old = CELL[dialect].format("NEW"), CELL[dialect].format("OLD")
    waited = f"{INSERT} {CELL[dialect].format('j')} FROM rated_job j WHERE j.id = NEW.job_id"
    return [
        ("rated_job", "counted_new", "INSERT", f"{INSERT} {new}"),
        ("rated_job", "counted_changed", f"UPDATE OF {COUNTED}", f"{INSERT} {new} UNION {old}"),
        ("rated_job", "counted_gone", "DELETE", f"{INSERT} {old}"),
        ("follow_up", "waited_new", "INSERT", waited),
        ("follow_up", "waited_changed", "UPDATE OF opened_at, finished_at", waited),
    ]


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "rating_sum",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.Column("dimension", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("satisfied", sa.Integer(), nullable=False),
        sa.Column("long_eligible", sa.Integer(), nullable=False),
        sa.Column("long_asked", sa.Integer(), nullable=False),
        sa.Column("raters", sa.SmallInteger(), nullable=False),
        sa.Column("witnesses", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("month", "province", "dimension", "key", name=op.f("pk_rating_sum")),
    )
    op.create_table(
        "rating_stale",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("province", sa.String(length=2), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_stale")),
    )
    with op.batch_alter_table("rating_stale", schema=None) as batch_op:
        batch_op.create_index("ix_rating_stale_month", ["month", "province"], unique=False)
    op.add_column("rated_job", sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_rated_job_undelivered", "rated_job", ["expires_at", "id"], unique=False,
        sqlite_where=sa.text("delivered_at IS NULL"), postgresql_where=sa.text("delivered_at IS NULL"),
    )  # fmt: skip
    op.execute(
        "UPDATE rated_job SET delivered_at = (SELECT min(coalesce(m.sent_at, m.created_at)) FROM message m "
        "WHERE m.state = 'sent' AND m.dedupe_key IN (rated_job.message_key, rated_job.link_key))"
    )
    op.execute(sa.text(f"{INSERT} {CELL[dialect].format('rated_job')} FROM rated_job GROUP BY 1, 2"))
    for table, name, when, body in triggers(dialect):
        name = f"{table}_{name}"
        if dialect == "sqlite":
            op.execute(f"CREATE TRIGGER {name} AFTER {when} ON {table} BEGIN {body}; END")
            continue
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$")
        op.execute(f"CREATE TRIGGER {name} AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table, name, _when, _body in triggers(dialect):
        on = "" if dialect == "sqlite" else f" ON {table}"
        op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on}")
        if dialect == "postgresql":
            op.execute(f"DROP FUNCTION IF EXISTS {table}_{name}() CASCADE")
    op.drop_index("ix_rated_job_undelivered", table_name="rated_job")
    with op.batch_alter_table("rated_job", schema=None) as batch_op:
        batch_op.drop_column("delivered_at")
    op.drop_table("rating_stale")
    op.drop_table("rating_sum")
