"""The database: what must survive a restart and is not in Label Studio.

SQLite in write-ahead mode by default, PostgreSQL by URL. Each store opens short transactions of its own;
writers wait for each other inside the database (30 s at most), readers never wait.

To add a table, or a column to one: change it here, and add one file to `migrations/versions` that does the
same (`op.create_table`, `op.add_column`), with the next number and the present newest as `down_revision`. A
test compares what the revisions make with this module. Revisions that were released are never edited.
"""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import SQLAlchemyError
from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_random

from backend.errors import DatabaseError
from backend.state.schema_upgrade import bring_up_to_date

_WAIT_S = 30.0
"""For others who write to a SQLite file: on a busy disk that may take them seconds."""

metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("key", String(64), primary_key=True, comment="Label Studio's '<id>.<created>'"),
    Column("label_config", Text, nullable=False),
    Column("extra_params", JSON, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("action", String(128), nullable=False),
    Column("project_id", Integer, index=True),
    Column("skipped", Boolean, nullable=False, comment="the annotator skipped the task"),
    Column("task_ids", JSON, nullable=False),
    Column("annotation_ids", JSON, nullable=False),
    Column("body", JSON, nullable=False, comment="the event without secrets"),
    Column("chosen_version", Text, comment="project.model_version, if the event says it"),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("project_id", BigInteger),
    Column("task_id", BigInteger),
    Column("to_name", Text, nullable=False),
    Column("label", Text),
    Column("prompt_ids", JSON, nullable=False),
    Column("prompts", JSON, nullable=False, comment="positions in pixels, (row, column)"),
    Column("refined", Boolean, nullable=False, comment="an existing object was to be corrected"),
    Column("area", Integer, nullable=False, comment="pixels of the answer"),
    Column("overlap", Float, comment="IoU with the mask that the model was shown"),
    Column("latency_ms", Float, nullable=False),
    Column("model_version", Text, nullable=False),
    Index("ix_clicks_task", "project_id", "task_id"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("project_id", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False, comment="fit"),
    Column("state", String(16), nullable=False, comment="queued, running, done, failed or cancelled"),
    Column("reason", Text, nullable=False, comment="why it was asked for"),
    Column("message", Text, nullable=False, comment="how it ended"),
    Column("result", JSON),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True), comment="the first time"),
    Column("finished_at", DateTime(timezone=True)),
    Column("heartbeat_at", DateTime(timezone=True)),
    Column("newest_event", Integer, nullable=False, comment="the last event it takes into account"),
    Column("stage", Text, nullable=False),
    Column("share", Float, nullable=False, comment="done of the whole, 0 to 1"),
    Column("best_share", Float, nullable=False, comment="the furthest that any start of it came"),
    Column("starts", Integer, nullable=False),
    Column("fruitless", Integer, nullable=False, comment="starts in a row that came no further"),
    Column("cancel_requested", Boolean, nullable=False),
    Index("ix_jobs_project", "project_id", "id"),
    Index(
        "ix_jobs_one_queued",
        "project_id",
        "kind",
        unique=True,
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_jobs_one_running",
        "kind",
        unique=True,
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

activations = Table(
    "activations",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True, comment="prelabel or click"),
    Column("step", Integer, primary_key=True, autoincrement=False, comment="counts from 1; last holds"),
    Column("version", String(64), comment="none: the model that nobody trained"),
    Column("why", Text, nullable=False),
    Column("undoes", Boolean, nullable=False, comment="it took back the latest activation"),
    Column("at", DateTime(timezone=True), nullable=False),
)

frames = Table(
    "frames",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("annotation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", BigInteger, nullable=False),
    Column("group_digest", String(64), nullable=False, comment="SHA-256 of the sequence's name"),
    Column("frame", Float, nullable=False, comment="place in the sequence"),
    Column("event", Integer, nullable=False, comment="the last that holds the annotation"),
    Column("deleted", Boolean, nullable=False),
    Index("ix_frames_group", "project_id", "group_digest", "frame"),
    Index("ix_frames_task", "project_id", "task_id"),
)

task_figures = Table(
    "task_figures",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", String(128), primary_key=True, comment="that looked at the picture"),
    Column("task_id", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False, comment="of the task's data"),
    Column("figures", JSON(none_as_null=True), comment="none: the version was not trained"),
    Column("mutual_information", Float, comment="BALD; none: nobody asked"),
    Column("disagreement", Float, comment="between versions; none: nobody asked"),
    Column("embedding", LargeBinary, comment="float16; none: nobody asked"),
)

queue_rounds = Table(
    "queue_rounds",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("version", String(128), nullable=False, comment="of the pre-labels"),
    Column("selector", String(64), nullable=False),
    Column("budget", Integer, nullable=False, comment="tasks that were chosen together"),
    Column("situation", String(64), nullable=False, comment="SHA-256 of all that decided the order"),
    Column("task_ids", LargeBinary, nullable=False, comment="int64, the first to be asked first"),
    Column("utilities", LargeBinary, nullable=False, comment="float64, of each"),
    Column("former", JSON(none_as_null=True), comment="settings before the queue; none: put back"),
    Column("finished", Boolean, nullable=False, comment="Label Studio follows the order"),
)


inspections = Table(
    "inspections",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("annotation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("to_name", Text, primary_key=True, comment="the picture's name in the labelling config"),
    Column("task_id", BigInteger, nullable=False),
    Column(
        "digest", String(64), nullable=False, comment="SHA-256 of all that the rules were shown, and of them"
    ),
    Column("content", String(64), nullable=False, comment="SHA-256 of what was drawn and answered"),
    Column("accepted", Boolean, nullable=False, comment="a reviewer marked it as ground truth"),
    Column("version", String(128), nullable=False, comment="whose belief was asked for last; '': nobody's"),
    Column("learned", Boolean, nullable=False, comment="whoever believed had learned from the annotation"),
    Column("severity", Float, nullable=False, comment="of all its issues together, 0 to 1"),
    Column("issues", JSON, nullable=False, comment="those that people are told, the worst first"),
    Index("ix_inspections_task", "project_id", "task_id"),
)

inspection_measures = Table(
    "inspection_measures",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(64), primary_key=True),
    Column("annotation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("to_name", Text, primary_key=True),
    Column("task_id", BigInteger, nullable=False),
    Column("measured", JSON, nullable=False, comment="what the rule has to know of it"),
    Index("ix_inspection_measures_task", "project_id", "task_id"),
)

inspection_usual = Table(
    "inspection_usual",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, comment="SHA-256 of the rules"),
    Column("usual", JSON, nullable=False, comment="what the rule learned from the project"),
)

inspection_dismissals = Table(
    "inspection_dismissals",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("annotation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", String(64), primary_key=True, comment="'': all"),
    Column("task_id", BigInteger, nullable=False),
    Column("content", String(64), nullable=False, comment="SHA-256 of what was accepted"),
    Column("at", DateTime(timezone=True), nullable=False),
)

inspections_due = Table(
    "inspections_due",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("task_id", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Integer, nullable=False, comment="the last one after which it has to be looked at"),
    Column("since", DateTime(timezone=True), nullable=False, comment="when that arrived"),
    Column("tries", Integer, nullable=False, comment="looks that were begun"),
)

inspection_figures = Table(
    "inspection_figures",
    metadata,
    Column("name", String(64), primary_key=True, comment="of a rule; '': looks after a submission"),
    Column("count", BigInteger, nullable=False, comment="issues that people were told, or looks"),
    Column("seconds", Float, nullable=False, comment="from the events to the ends of the looks"),
)


def open_database(url: str) -> Engine:
    """Connect, and make the tables and columns that are missing.

    Args:
        url: SQLAlchemy URL; the folder of a SQLite file is created.

    Raises:
        DatabaseError: The database cannot be opened; the message has its address without the password.
    """
    parsed = make_url(url)
    shown = parsed.render_as_string(hide_password=True)
    try:
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:":
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, connect_args={"timeout": _WAIT_S})
            event.listen(engine, "connect", _prepare_sqlite)
        else:
            engine = create_engine(parsed, pool_pre_ping=True)
        bring_up_to_date(engine)
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", error))
        raise DatabaseError(
            f"Cannot open the database {shown}: {reason}. Check MASKLOOP_DATABASE_URL and MASKLOOP_STATE_DIR."
        ) from error
    return engine


def as_utc(at: datetime) -> datetime:
    """A stored time. SQLite forgets the time zone, which is always UTC; PostgreSQL answers in its own."""
    return at.replace(tzinfo=timezone.utc) if at.tzinfo is None else at.astimezone(timezone.utc)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers beside one writer; a committed event survives a power cut (synchronous=FULL).

    SQLite does not wait by itself for others that open a new database at the same moment: two that want to
    change its journal would wait for each other.
    """
    cursor = connection.cursor()
    for attempt in Retrying(
        retry=retry_if_exception_message(match=".*lock"),
        wait=wait_random(0.01, 0.1),
        stop=stop_after_delay(_WAIT_S),
        reraise=True,
    ):
        with attempt:
            cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
