"""Builds what inspects the annotations of projects, for the worker and for the commands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.inspection import RULES
from backend.job_parts import project_defaults
from backend.labelstudio.annotated_tasks import AnnotatedTasks
from backend.labelstudio.label_config import LabelConfig
from backend.labelstudio.rest import LabelStudioApi
from backend.labelstudio.submissions import AnnotatedTask
from backend.labelstudio.task_predictions import annotations_of, numbered_prediction
from backend.labelstudio.task_reports import shows_warnings, task_of_number
from backend.observability import Metrics
from backend.parts import image_loader, needed_label_studio_api, project_models, sequence_fields
from backend.services.beliefs import Beliefs
from backend.services.due_inspections import DueInspections
from backend.services.inspection import Inspection
from backend.services.inspection_review import InspectionReview
from backend.services.inspection_subjects import InspectionSubjects, KnownWork
from backend.services.projects import stored_options
from backend.services.task_warnings import TaskWarnings
from backend.settings import Settings
from backend.state.click_log import ClickLog
from backend.state.database import open_database
from backend.state.inspections import Inspections
from backend.state.inspections_due import InspectionsDue
from backend.state.model_pool import ModelPool
from backend.state.model_store import ModelStore
from backend.state.one_at_a_time import one_at_a_time
from backend.state.project_store import ProjectStore
from models.prelabel import PRELABELLERS
from models.prelabel.looks import Looks
from models.prelabel.unet import UNet

_FOLDER = "inspections"
_REVIEW = "review.json"


@dataclass(frozen=True)
class ProjectInspection:
    """What inspects one project.

    Attributes:
        inspection: Inspects.
        warnings: Says in Label Studio what was found.
        due: Inspects what has changed.
        subjects: Makes what rules look at.
        read: A task with its annotations as they are now, by its number; None if it is gone.
        review: Puts what was found beside the annotations, as predictions.
    """

    inspection: Inspection
    warnings: TaskWarnings
    due: DueInspections
    subjects: InspectionSubjects
    read: Callable[[int], AnnotatedTask | None]
    review: InspectionReview


class Inspecting:
    """Builds what inspects projects, from parts that these share. Used by one thread.

    Args:
        settings: The service's.

    Raises:
        DatabaseError: The database cannot be opened.
        SettingsError: Label Studio's address or the key is missing.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = open_database(settings.resolved_database_url)
        self._api = needed_label_studio_api(settings)
        self._images = image_loader(settings, Metrics())
        self._models = project_models(
            settings, self._engine, ModelPool(PRELABELLERS, on_load=lambda model: None), Metrics()
        )
        self._looks = Looks()
        self._due = InspectionsDue(self._engine)
        self._open: dict[int, tuple[tuple[str, str], ProjectInspection]] = {}

    @property
    def api(self) -> LabelStudioApi:
        """Label Studio."""
        return self._api

    def project(self, project_id: int, judging: Collection[str] | None = None) -> ProjectInspection:
        """What inspects a project as it is now.

        Args:
            project_id: The project.
            judging: Names of the rules that judge; None for all.

        Raises:
            LabelConfigError: Nothing in the project's config can be annotated with this service.
            LabelStudioError: Label Studio refused, failed, or cannot be reached.
            MaskloopError: The version in use cannot be loaded.
        """
        label_config = AnnotatedTasks(self._api).label_config(project_id)
        config = LabelConfig.parse(label_config)
        beliefs = self._beliefs(project_id, config)
        subjects = self._subjects(project_id, config)

        def read(number: int) -> AnnotatedTask | None:
            return self._task(project_id, number)

        inspection = Inspection(
            project_id,
            subjects,
            Inspections(self._engine),
            self._due,
            {name: RULES.create(name) for name in RULES.names},
            judging=judging,
            beliefs=beliefs,
        )
        warnings = TaskWarnings(
            self._api, project_id, with_text=shows_warnings(label_config), version=inspection.version
        )
        due = DueInspections(project_id, self._due, inspection, warnings, read)
        review = InspectionReview(self._api, project_id, config, self._folder(project_id) / _REVIEW)
        return ProjectInspection(inspection, warnings, due, subjects, read, review)

    def inspect_due(self, project_id: int) -> int:
        """Inspect the tasks of a project whose annotations have changed.

        What is usual in the project is remembered from one call to the next.

        Returns:
            How many tasks were inspected.

        Raises:
            MaskloopError: See `project`, and `DueInspections.run`.
        """
        defaults = project_defaults(self._settings)
        options = stored_options(ProjectStore(self._engine), project_id, defaults)
        if not options.inspect:
            self._due.drop(project_id)
            return 0
        label_config = AnnotatedTasks(self._api).label_config(project_id)
        version = self._models.version(project_id, LabelConfig.parse(label_config), options)
        state, there = self._open.get(project_id, (None, None))
        if there is None or state != (label_config, version):
            there = self.project(project_id)
            self._open[project_id] = (label_config, version), there
        return there.due.run()

    def alone(self, project_id: int) -> AbstractContextManager[None]:
        """Keep other processes from inspecting all of a project.

        Raises:
            QueueRoundError: Another process does.
        """
        return one_at_a_time(self._folder(project_id) / "lock", f"inspects project {project_id}")

    def _folder(self, project_id: int) -> Path:
        return self._settings.resolved_state_dir / _FOLDER / str(project_id)

    def _beliefs(self, project_id: int, config: LabelConfig) -> Beliefs | None:
        options = stored_options(ProjectStore(self._engine), project_id, project_defaults(self._settings))
        model = self._models.for_project(project_id, config, options, heed_choice=False)
        info = ModelStore(self._settings.versions_dir).find(project_id, model.version)
        if not isinstance(model, UNet) or info is None:
            return None
        beliefs = Beliefs(model, info.trained_on)
        beliefs.load()
        return beliefs

    def _subjects(self, project_id: int, config: LabelConfig) -> InspectionSubjects:
        clicks = ClickLog(self._engine, keep_days=self._settings.click_log_days)
        known = KnownWork(
            clicks=lambda task_id: clicks.for_task(project_id, task_id),
            prediction=self._prediction,
            embedding=self._looks.embedding,
        )
        return InspectionSubjects(
            project_id,
            config,
            images=self._images,
            sequences=sequence_fields(self._settings),
            known=known,
        )

    def _prediction(self, number: int) -> Sequence[Any] | None:
        found = numbered_prediction(self._api, number)
        return None if found is None else found["result"]

    def _task(self, project_id: int, number: int) -> AnnotatedTask | None:
        task = task_of_number(self._api, project_id, number)
        if task is None:
            return None
        return AnnotatedTask(number, task.data, task.meta, annotations_of(self._api, number))
