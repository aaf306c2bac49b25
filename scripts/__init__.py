"""Command lines, started as `python -m scripts.<name>`; each offers `--help`."""
