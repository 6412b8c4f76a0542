"""Views shared with a role; exports built by a worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("saved_view", sa.Column("shared_role", sa.String(32), nullable=True))
    op.create_index("ix_saved_view_shared_role", "saved_view", ["shared_role"])
    op.create_table(
        "list_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("worklist", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("query", sa.String(500), nullable=False),
        sa.Column("columns", sa.String(1000), nullable=False),
        sa.Column("lang", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wakes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_list_export"),
    )
    op.create_index("ix_list_export_staff", "list_export", ["staff_id", "created_at"])
    op.create_table(
        "list_export_part",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["list_export.id"], name="fk_list_export_part_export_id_list_export"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_list_export_part_file_id_stored_file"),
        sa.PrimaryKeyConstraint("id", name="pk_list_export_part"),
        sa.UniqueConstraint("export_id", "run", "seq", name="uq_list_export_part_export_id_run_seq"),
    )


def downgrade() -> None:
    op.drop_table("list_export_part")
    op.drop_index("ix_list_export_staff", table_name="list_export")
    op.drop_table("list_export")
    op.drop_index("ix_saved_view_shared_role", table_name="saved_view")
    op.drop_column("saved_view", "shared_role")
