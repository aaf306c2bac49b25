"""The jobs that workers do."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("project_id", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False, comment="fit"),
        sa.Column(
            "state", sa.String(16), nullable=False, comment="queued, running, done, failed or cancelled"
        ),
        sa.Column("reason", sa.Text, nullable=False, comment="why it was asked for"),
        sa.Column("message", sa.Text, nullable=False, comment="how it ended"),
        sa.Column("result", sa.JSON),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), comment="the first time"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("newest_event", sa.Integer, nullable=False, comment="the last event it takes into account"),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("share", sa.Float, nullable=False, comment="done of the whole, 0 to 1"),
        sa.Column("best_share", sa.Float, nullable=False, comment="the furthest that any start of it came"),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("fruitless", sa.Integer, nullable=False, comment="starts in a row that came no further"),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
    )
    op.create_index("ix_jobs_project", "jobs", ["project_id", "id"])
    queued, running = sa.text("state = 'queued'"), sa.text("state = 'running'")
    op.create_index(
        "ix_jobs_one_queued",
        "jobs",
        ["project_id", "kind"],
        unique=True,
        sqlite_where=queued,
        postgresql_where=queued,
    )
    op.create_index(
        "ix_jobs_one_running", "jobs", ["kind"], unique=True, sqlite_where=running, postgresql_where=running
    )
