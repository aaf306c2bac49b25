"""What versions say about tasks, and the orders that were made from it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the two tables, empty."""
    op.create_table(
        "task_figures",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(128), primary_key=True, comment="that looked at the picture"),
        sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False, comment="of the task's data"),
        sa.Column("figures", sa.JSON(none_as_null=True), comment="none: the version was not trained"),
        sa.Column("mutual_information", sa.Float, comment="BALD; none: nobody asked"),
        sa.Column("disagreement", sa.Float, comment="between versions; none: nobody asked"),
        sa.Column("embedding", sa.LargeBinary, comment="float16; none: nobody asked"),
    )
    op.create_table(
        "queue_rounds",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.String(128), nullable=False, comment="of the pre-labels"),
        sa.Column("selector", sa.String(64), nullable=False),
        sa.Column("budget", sa.Integer, nullable=False, comment="tasks that were chosen together"),
        sa.Column(
            "situation", sa.String(64), nullable=False, comment="SHA-256 of all that decided the order"
        ),
        sa.Column("task_ids", sa.LargeBinary, nullable=False, comment="int64, the first to be asked first"),
        sa.Column("utilities", sa.LargeBinary, nullable=False, comment="float64, of each"),
        sa.Column("former", sa.JSON(none_as_null=True), comment="settings before the queue; none: put back"),
        sa.Column("finished", sa.Boolean, nullable=False, comment="Label Studio follows the order"),
    )
