"""WeCom: a user id per account, one table of interface tokens, and which channels refused a message.

Tokens are asked for anew: none is carried over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("staff_account", sa.Column("wecom_user_id", sa.String(length=64), nullable=True))
    op.create_index("uq_staff_account_wecom_user_id", "staff_account", ["wecom_user_id"], unique=True)
    op.add_column("message", sa.Column("refused_by", sa.JSON(none_as_null=True), nullable=True))
    _tokens("interface_token", "account")
    op.drop_table("wechat_token")


def downgrade() -> None:
    _tokens("wechat_token", "appid")
    op.drop_table("interface_token")
    op.drop_column("message", "refused_by")
    op.drop_index("uq_staff_account_wecom_user_id", table_name="staff_account")
    op.drop_column("staff_account", "wecom_user_id")


def _tokens(table: str, account: str) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(account, sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshing_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refreshes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(account, name=op.f(f"uq_{table}_{account}")),
    )
