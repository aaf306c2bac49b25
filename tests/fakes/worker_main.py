"""A real worker process whose jobs are fakes: `python -m tests.fakes.worker_main KIND NOTES [STEPS]`."""

import sys
from functools import partial
from pathlib import Path

from backend.observability import configure_logging
from backend.settings import Settings
from backend.worker import Worker
from scripts.worker import work
from tests.fakes import performed

if __name__ == "__main__":
    kind, notes, *steps = sys.argv[1:]
    settings = Settings.from_environment()
    configure_logging("INFO", as_json=False)
    perform = partial(getattr(performed, kind), Path(notes), *(int(number) for number in steps))
    work(Worker(settings, perform), with_parent=True)
