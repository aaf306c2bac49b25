"""Show every setting: variable, value in force, default and meaning. Secrets stay hidden."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table

from backend.settings import Settings
from scripts.options import errors_to_exit


def main() -> None:
    """Show every setting with the value in force; passwords and keys are hidden."""
    with errors_to_exit():
        settings = Settings.from_environment()
    table = Table("variable", "value", "meaning")
    for name, field in Settings.model_fields.items():
        table.add_row(f"MASKLOOP_{name.upper()}", str(getattr(settings, name)), field.description)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
