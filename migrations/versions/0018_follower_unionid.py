"""A follower of the official account is known across our accounts by UnionID."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("wechat_follower", sa.Column("unionid_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("wechat_follower", sa.Column("unionid_index", sa.LargeBinary(32), nullable=True))
    op.create_index("ix_wechat_follower_unionid_index", "wechat_follower", ["unionid_index"])


def downgrade() -> None:
    op.drop_index("ix_wechat_follower_unionid_index", "wechat_follower")
    op.drop_column("wechat_follower", "unionid_index")
    op.drop_column("wechat_follower", "unionid_sealed")
