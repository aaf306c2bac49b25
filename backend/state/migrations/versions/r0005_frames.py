"""Which annotations are of frames of a sequence."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; what was submitted before is not in it."""
    op.create_table(
        "frames",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("annotation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("group_digest", sa.String(64), nullable=False, comment="SHA-256 of the sequence's name"),
        sa.Column("frame", sa.Float, nullable=False, comment="place in the sequence"),
        sa.Column("event", sa.Integer, nullable=False, comment="the last that holds the annotation"),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_index("ix_frames_group", "frames", ["project_id", "group_digest", "frame"])
    op.create_index("ix_frames_task", "frames", ["project_id", "task_id"])
