"""What inspection rules found out about annotations, and what people accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the six tables, empty."""
    op.create_table(
        "inspections",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("annotation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("to_name", sa.Text, primary_key=True, comment="the picture's name in the labelling config"),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column(
            "digest",
            sa.String(64),
            nullable=False,
            comment="SHA-256 of all that the rules were shown, and of them",
        ),
        sa.Column("content", sa.String(64), nullable=False, comment="SHA-256 of what was drawn and answered"),
        sa.Column("accepted", sa.Boolean, nullable=False, comment="a reviewer marked it as ground truth"),
        sa.Column(
            "version", sa.String(128), nullable=False, comment="whose belief was asked for last; '': nobody's"
        ),
        sa.Column(
            "learned", sa.Boolean, nullable=False, comment="whoever believed had learned from the annotation"
        ),
        sa.Column("severity", sa.Float, nullable=False, comment="of all its issues together, 0 to 1"),
        sa.Column("issues", sa.JSON, nullable=False, comment="those that people are told, the worst first"),
    )
    op.create_index("ix_inspections_task", "inspections", ["project_id", "task_id"])
    op.create_table(
        "inspection_measures",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("rule", sa.String(64), primary_key=True),
        sa.Column("annotation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("to_name", sa.Text, primary_key=True),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("measured", sa.JSON, nullable=False, comment="what the rule has to know of it"),
    )
    op.create_index("ix_inspection_measures_task", "inspection_measures", ["project_id", "task_id"])
    op.create_table(
        "inspection_usual",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("rule", sa.String(64), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, comment="SHA-256 of the rules"),
        sa.Column("usual", sa.JSON, nullable=False, comment="what the rule learned from the project"),
    )
    op.create_table(
        "inspection_dismissals",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("annotation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("rule", sa.String(64), primary_key=True, comment="'': all"),
        sa.Column("task_id", sa.BigInteger, nullable=False),
        sa.Column("content", sa.String(64), nullable=False, comment="SHA-256 of what was accepted"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "inspections_due",
        sa.Column("project_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "event", sa.Integer, nullable=False, comment="the last one after which it has to be looked at"
        ),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False, comment="when that arrived"),
        sa.Column("tries", sa.Integer, nullable=False, comment="looks that were begun"),
    )
    op.create_table(
        "inspection_figures",
        sa.Column("name", sa.String(64), primary_key=True, comment="of a rule; '': looks after a submission"),
        sa.Column("count", sa.BigInteger, nullable=False, comment="issues that people were told, or looks"),
        sa.Column("seconds", sa.Float, nullable=False, comment="from the events to the ends of the looks"),
    )
