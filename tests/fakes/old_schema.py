"""Databases as the releases without migrations made them."""

import sqlite3
from pathlib import Path

_INBOX = """
CREATE TABLE projects (
    "key" VARCHAR(64) NOT NULL, label_config TEXT NOT NULL, extra_params JSON NOT NULL,
    updated_at DATETIME NOT NULL, PRIMARY KEY ("key")
);
CREATE TABLE events (
    id INTEGER NOT NULL, received_at DATETIME NOT NULL, action VARCHAR(128) NOT NULL, project_id INTEGER,
    skipped BOOLEAN NOT NULL, task_ids JSON NOT NULL, annotation_ids JSON NOT NULL, body JSON NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_events_project_id ON events (project_id);
INSERT INTO projects VALUES ('2.1', '<View/>', '{"prelabeller": "otsu"}', '2026-11-01 10:00:00.000000');
"""
_CLICKS = """
CREATE TABLE clicks (
    id INTEGER NOT NULL, at DATETIME NOT NULL, project_id BIGINT, task_id BIGINT, to_name TEXT NOT NULL,
    label TEXT, prompt_ids JSON NOT NULL, prompts JSON NOT NULL, refined BOOLEAN NOT NULL,
    area INTEGER NOT NULL, overlap FLOAT, latency_ms FLOAT NOT NULL, model_version TEXT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_clicks_at ON clicks (at);
CREATE INDEX ix_clicks_task ON clicks (project_id, task_id);
"""
OLD_SCHEMAS = {"first": _INBOX, "with clicks": _INBOX + _CLICKS}
"""SQL by release; each holds one project, "2.1"."""


def make_old_database(path: Path, schema: str) -> None:
    """Write a SQLite file with one of `OLD_SCHEMAS`."""
    connection = sqlite3.connect(path)
    connection.executescript(OLD_SCHEMAS[schema])
    connection.close()
