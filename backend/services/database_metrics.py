"""Metrics of what happens in other processes: they are read from the database whenever somebody asks."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from backend.errors import DatabaseError

logger = logging.getLogger(__name__)

Figures = TypeVar("Figures")


class DatabaseMetrics(Collector, Generic[Figures]):
    """Figures from the database. Safe between threads.

    Args:
        read: Reads the figures; while the database fails there are none, and all other metrics remain.
    """

    def __init__(self, read: Callable[[], Figures]) -> None:
        self._read = read

    @abstractmethod
    def metrics(self, figures: Figures) -> Iterator[Metric]:
        """What the figures say."""

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        try:
            figures = self._read()
        except DatabaseError as error:
            logger.error("%s", error)
            return
        yield from self.metrics(figures)
