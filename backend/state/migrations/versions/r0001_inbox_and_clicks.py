"""The tables that were made without migrations: a database from that time is left as it is."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are missing; the click log is younger than the others."""
    op.create_table(
        "projects",
        sa.Column("key", sa.String(64), primary_key=True, comment="Label Studio's '<id>.<created>'"),
        sa.Column("label_config", sa.Text, nullable=False),
        sa.Column("extra_params", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("project_id", sa.Integer),
        sa.Column("skipped", sa.Boolean, nullable=False, comment="the annotator skipped the task"),
        sa.Column("task_ids", sa.JSON, nullable=False),
        sa.Column("annotation_ids", sa.JSON, nullable=False),
        sa.Column("body", sa.JSON, nullable=False, comment="the event without secrets"),
        if_not_exists=True,
    )
    op.create_index("ix_events_project_id", "events", ["project_id"], if_not_exists=True)
    op.create_table(
        "clicks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("project_id", sa.BigInteger),
        sa.Column("task_id", sa.BigInteger),
        sa.Column("to_name", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("prompt_ids", sa.JSON, nullable=False),
        sa.Column("prompts", sa.JSON, nullable=False, comment="positions in pixels, (row, column)"),
        sa.Column("refined", sa.Boolean, nullable=False, comment="an existing object was to be corrected"),
        sa.Column("area", sa.Integer, nullable=False, comment="pixels of the answer"),
        sa.Column("overlap", sa.Float, comment="IoU with the mask that the model was shown"),
        sa.Column("latency_ms", sa.Float, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_clicks_at", "clicks", ["at"], if_not_exists=True)
    op.create_index("ix_clicks_task", "clicks", ["project_id", "task_id"], if_not_exists=True)
