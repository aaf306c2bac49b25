"""Parts about jobs that the service, the worker and the commands build from the same settings.

Nothing here loads PyTorch: a worker that waits is small.
"""

from __future__ import annotations

from backend.services.projects import ProjectOptions
from backend.settings import Settings
from backend.state.job_queue import Handlers, JobQueue


def project_defaults(settings: Settings) -> ProjectOptions:
    """What projects get that do not say otherwise."""
    return ProjectOptions(
        settings.prelabeller,
        settings.interactive_model,
        settings.postprocess,
        learn=settings.learn,
        fit_after=settings.fit_after,
        fit_quiet_s=settings.fit_quiet_s,
        fit_seconds=settings.fit_seconds,
        selector=settings.selector,
        select_after_fit=settings.select_after_fit,
        inspect=settings.inspect,
    )


def label_studio_is_known(settings: Settings) -> bool:
    """Whether the service can call Label Studio."""
    return settings.label_studio_url is not None and settings.label_studio_api_key is not None


def job_queue(settings: Settings, handlers: Handlers | None = None) -> JobQueue:
    """The queue of jobs.

    Args:
        settings: Where it is.
        handlers: What a worker does when it is woken; None for those who only wake it.

    Raises:
        JobQueueError: It cannot be opened.
        MissingExtraError: Redis is wanted and its package is not installed.
    """
    url = None if settings.queue_url is None else settings.queue_url.get_secret_value()
    return JobQueue(url, settings.resolved_state_dir / "jobs.db", handlers)
