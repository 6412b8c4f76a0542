"""What was read on badge photos, their fingerprints, photos that look alike, and what reviewers saw in them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "photo_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("found_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("engine", sa.String(length=40), nullable=False),
        sa.Column("millis", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["submission_image.id"], name=op.f("fk_photo_reading_image_id_submission_image")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_reading")),
        sa.UniqueConstraint("image_id", name=op.f("uq_photo_reading_image_id")),
    )
    op.create_table(
        "photo_fingerprint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("perceptual", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("number_index", sa.LargeBinary(length=32), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_photo_fingerprint_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["submission_image.id"], name=op.f("fk_photo_fingerprint_image_id_submission_image")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_photo_fingerprint_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_fingerprint")),
        sa.UniqueConstraint("image_id", name=op.f("uq_photo_fingerprint_image_id")),
    )
    for column in ("registration_id", "customer_id", "name_index", "number_index", "forget_at"):
        op.create_index(op.f(f"ix_photo_fingerprint_{column}"), "photo_fingerprint", [column])
    op.create_table(
        "photo_match",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("image_id", sa.Uuid(), nullable=False),
        sa.Column("earlier_id", sa.Uuid(), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.Column("way", sa.Integer(), nullable=False),
        sa.Column("same_name", sa.Boolean(), nullable=False),
        sa.Column("same_number", sa.Boolean(), nullable=False),
        sa.Column("alike", sa.Float(), nullable=True),
        sa.Column("laid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["submission_image.id"], name=op.f("fk_photo_match_image_id_submission_image")
        ),
        sa.ForeignKeyConstraint(
            ["earlier_id"], ["submission_image.id"], name=op.f("fk_photo_match_earlier_id_submission_image")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_match")),
        sa.UniqueConstraint("image_id", "earlier_id", name=op.f("uq_photo_match_image_id_earlier_id")),
    )
    op.create_index(op.f("ix_photo_match_earlier_id"), "photo_match", ["earlier_id"])
    op.create_table(
        "photo_verdict",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("match_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.Column("alike", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("by_name", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["match_id"], ["photo_match.id"], name=op.f("fk_photo_verdict_match_id_photo_match")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_verdict")),
    )
    op.create_index(op.f("ix_photo_verdict_match_id"), "photo_verdict", ["match_id"])


def downgrade() -> None:
    for table in ("photo_verdict", "photo_match", "photo_fingerprint", "photo_reading"):
        op.drop_table(table)
