"""A Label Studio on this machine, for the demo and for the live tests.

It listens on the loopback address, keeps everything in one folder (SQLite), and has one administrator with a
fixed legacy token, so that nobody has to click before a command can use it. Not for production.

Invariant: the first start of a version in a fresh folder takes most of a minute of database migrations, so
the migrated database, which holds nothing but the administrator, is kept beside the program and copied into
later fresh folders.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from scripts.child_process import ChildProcess, clean_environment, free_port
from scripts.errors import LabelStudioMissingError

USERNAME = "demo@example.com"
PASSWORD = "maskloop-demo"
API_KEY = "6d61736b6c6f6f702d64656d6f2d746f6b656e21"  # 40 hex digits; only ever valid on the loopback address
_DATABASE = "label_studio.sqlite3"
_SECRETS = ".env"  # Label Studio's own file with the key that signs sessions
_START_TIMEOUT_S = 300.0


class LabelStudioServer(ChildProcess):
    """One server. Used by one thread; anybody may talk to its `url`."""

    def __init__(self, environment_dir: Path, data_dir: Path, *, port: int | None = None) -> None:
        """Prepare a server; nothing runs before `start`.

        Args:
            environment_dir: The virtual environment in which Label Studio is installed.
            data_dir: Folder for its database, uploads and log; created if needed.
            port: TCP port; a free one if None.

        Raises:
            LabelStudioMissingError: The environment has no Label Studio.
        """
        program = environment_dir / "bin" / "label-studio"
        if not program.exists():
            raise LabelStudioMissingError(
                f"{program} does not exist. `bash scripts/demo.sh` and `bash scripts/test.sh` install it."
            )
        self._template_dir = environment_dir / "fresh-database"
        self.data_dir = data_dir.resolve()
        self.files_root = self.data_dir / "files"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            "Label Studio",
            [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(self.port)],
            environment=clean_environment("LABEL_STUDIO_", "HEARTEX_", "DJANGO_") | self._settings(),
            health_url=f"{self.url}/health",
            log_path=self.data_dir / "label-studio.log",
            start_timeout_s=_START_TIMEOUT_S,
        )

    def _settings(self) -> dict[str, str]:
        return {
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.data_dir),
            "LABEL_STUDIO_HOST": self.url,
            "LABEL_STUDIO_USERNAME": USERNAME,
            "LABEL_STUDIO_PASSWORD": PASSWORD,
            "LABEL_STUDIO_USER_TOKEN": API_KEY,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self.files_root),
            # Both are needed before a model on a loopback or private address can be added.
            "ML_BLOCK_LOCAL_IP": "false",
            "SSRF_PROTECTION_ENABLED": "false",
            # By default it waits 1 to 3 s: a busy service would count as gone, its events lose their order.
            "ML_CONNECTION_TIMEOUT": "60",
            "ML_TIMEOUT_HEALTH": "60",
            "ML_TIMEOUT_SETUP": "60",
            "WEBHOOK_TIMEOUT": "60",
            # Nothing leaves this machine.
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
        }

    def start(self, on_wait: Callable[[float], None] | None = None) -> None:
        """Start the server and wait until it answers: 5 s, or most of a minute the very first time.

        Args:
            on_wait: Called several times a second with the seconds waited so far.

        Raises:
            StartError: It did not come up; the message has the end of its log.
        """
        self.files_root.mkdir(parents=True, exist_ok=True)
        is_fresh = not (self.data_dir / _DATABASE).exists()
        template_exists = (self._template_dir / _DATABASE).exists()
        if is_fresh and template_exists:
            for name in (_SECRETS, _DATABASE):
                shutil.copy(self._template_dir / name, self.data_dir / name)
        super().start(on_wait)
        if is_fresh and not template_exists:
            self._keep_template()

    def _keep_template(self) -> None:
        """Copy the database as SQLite does it safely from a running server; complete or not at all."""
        self._template_dir.mkdir(exist_ok=True)
        shutil.copy(self.data_dir / _SECRETS, self._template_dir / _SECRETS)
        unfinished = self._template_dir / f"{_DATABASE}.{self.port}"
        with (
            closing(sqlite3.connect(self.data_dir / _DATABASE)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
        unfinished.replace(self._template_dir / _DATABASE)
