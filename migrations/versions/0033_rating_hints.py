"""Looks over many ratings, and themes of their comments."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "rating_look_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ratings", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_look_run")),
    )
    op.create_index("ix_rating_look_run_at", "rating_look_run", ["at"], unique=False)
    op.create_table(
        "rating_look",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("p", sa.Float(), nullable=False),
        sa.Column("q", sa.Float(), nullable=False),
        sa.Column("provinces", sa.JSON(), nullable=False),
        sa.Column("tickets", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["rating_look_run.id"], name=op.f("fk_rating_look_run_id_rating_look_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_look")),
    )
    op.create_index("ix_rating_look_run", "rating_look", ["run_id", "q"], unique=False)
    op.create_table(
        "rating_theme_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating_theme_run")),
    )
    op.create_index("ix_rating_theme_run_at", "rating_theme_run", ["at"], unique=False)
    op.create_index("ix_rated_job_province", "rated_job", ["province", "closed_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_rated_job_province", table_name="rated_job")
    for name in ("rating_theme_run", "rating_look", "rating_look_run"):
        op.drop_table(name)
