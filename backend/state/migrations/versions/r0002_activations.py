"""Which trained version each project uses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "activations",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), primary_key=True, comment="prelabel or click"),
        sa.Column(
            "step", sa.Integer, primary_key=True, autoincrement=False, comment="counts from 1; last holds"
        ),
        sa.Column("version", sa.String(64), comment="none: the model that nobody trained"),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("undoes", sa.Boolean, nullable=False, comment="it took back the latest activation"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
