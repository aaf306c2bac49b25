"""Which version a project shows, as its events say."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; nothing is known for events of the past."""
    column = sa.Column("chosen_version", sa.Text, comment="project.model_version, if the event says it")
    op.add_column("events", column)
