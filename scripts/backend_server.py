"""This service as a process beside a command: for the demo and for the live tests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.child_process import ChildProcess, clean_environment, free_port

_ROOT = Path(__file__).resolve().parent.parent
_START_TIMEOUT_S = 180.0


class BackendServer(ChildProcess):
    """`python -m scripts.serve` with its own settings. Used by one thread; anybody may talk to its `url`."""

    def __init__(
        self,
        *,
        label_studio_url: str,
        api_key: str | None,
        state_dir: Path,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the service; nothing runs before `start`.

        Args:
            label_studio_url: Where it finds Label Studio.
            api_key: Its token there; None gives it none.
            state_dir: Its folder, also for the log; created if needed.
            port: TCP port; a free one if None.
            settings: More settings, by the name of the variable without the prefix: {"PRELABELLER": "otsu"}.
        """
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        values = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "LABEL_STUDIO_URL": label_studio_url,
            "STATE_DIR": str(state_dir.resolve()),
            **({} if api_key is None else {"LABEL_STUDIO_API_KEY": api_key}),
            **(settings or {}),
        }
        super().__init__(
            "Maskloop",
            [sys.executable, "-m", "scripts.serve"],
            environment=clean_environment("MASKLOOP_")
            | {f"MASKLOOP_{name}": value for name, value in values.items()},
            health_url=f"{self.url}/health",
            log_path=state_dir / "maskloop.log",
            start_timeout_s=_START_TIMEOUT_S,
            working_dir=_ROOT,  # the checkout's packages win over others of the same names
        )
