"""What people do with trained versions: look at them, use others, take them along, delete old ones."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ModelStoreError
from backend.labelstudio.label_config import LabelConfig
from backend.services.label_schemas import label_schema
from backend.services.project_models import KIND, fits
from backend.state.active_versions import ActiveVersions
from backend.state.event_inbox import EventInbox
from backend.state.model_store import ModelStore
from backend.state.project_store import ProjectStore
from backend.state.version_info import PREFIXES, VersionInfo, answering_version


@dataclass(frozen=True)
class KeptVersion:
    """A stored version, and who needs it.

    Attributes:
        info: The version.
        in_use: Whether it answers for its project.
        chosen: Whether the project shows its predictions in Label Studio.
        next_back: Whether a rollback would bring it back.
    """

    info: VersionInfo
    in_use: bool
    chosen: bool
    next_back: bool

    @property
    def needed(self) -> bool:
        """Whether it must not be deleted."""
        return self.in_use or self.chosen or self.next_back


class VersionKeeping:
    """Looks at and changes the versions of projects. Safe between processes, like what it uses.

    Args:
        store: Where versions lie.
        active: Which of them are in use.
        inbox: What Label Studio says about its projects.
        projects: What was set up.
    """

    def __init__(
        self, store: ModelStore, active: ActiveVersions, inbox: EventInbox, projects: ProjectStore
    ) -> None:
        self._store = store
        self._active = active
        self._inbox = inbox
        self._projects = projects

    def versions(self, project_id: int) -> list[KeptVersion]:
        """The project's versions, newest first; damaged ones are left out and logged.

        Raises:
            DatabaseError: The database cannot be read.
        """
        chosen = self._chosen(project_id)
        used, back = set(), set()
        for kind in PREFIXES:
            *before, last = ("", *self._active.standing(project_id, kind))
            used.add(last)
            back.update(before[-1:])
        return [
            KeptVersion(info, info.name in used, info.name == chosen, info.name in back)
            for info in self._store.versions(project_id)
        ]

    def find(self, name: str) -> KeptVersion:
        """The version of that name, whole and undamaged.

        Raises:
            UnknownNameError: There is none.
            ModelStoreError: It is damaged.
            DatabaseError: The database cannot be read.
        """
        info = self._store.named(name)
        self._store.folder(info)
        return next(kept for kept in self.versions(info.project_id) if kept.info == info)

    def activate(self, name: str, why: str) -> list[str]:
        """Let a version answer for its project from now on.

        Returns:
            A sentence for each reason for which pre-labels may not be what one expects then.

        Raises:
            UnknownNameError: There is no such version.
            ModelStoreError: It is damaged.
            DatabaseError: The database cannot be read or written.
        """
        info = self.find(name).info
        self._active.activate(info.project_id, info.kind, name, why)
        return [*self._doubts(info), *self._shown_instead(info)]

    def rollback(self, project_id: int, kind: str, why: str) -> str | None:
        """Go back to the version that the project used before; passes over those that are gone or damaged.

        Returns:
            Its name, None for the model that nobody trained.

        Raises:
            NoVersionBeforeError: That one is in use already.
            DatabaseError: The database cannot be read or written.
        """

        def usable(name: str) -> bool:
            try:
                info = self._store.find(project_id, name)
                return info is not None and self._store.folder(info).is_dir()
            except ModelStoreError:
                return False

        return self._active.rollback(project_id, kind, why, usable=usable)

    def export(self, name: str, target: Path) -> None:
        """Copy a version.

        Args:
            name: Of the version.
            target: A file that ends in `.zip`, or a folder; it must not be there yet.

        Raises:
            UnknownNameError: There is no such version.
            ModelStoreError: It is damaged, or the target is there or cannot be written.
        """
        folder = self._store.folder(self._store.named(name))
        if target.exists():
            raise ModelStoreError(f"{target} is there already. Give another name.")
        partial = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
        try:
            if target.suffix == ".zip":
                with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
                    for path in sorted(folder.iterdir()):
                        archive.write(path, f"{name}/{path.name}")
            else:
                shutil.copytree(folder, partial)
            partial.rename(target)
        except OSError as error:
            raise ModelStoreError(f"{target} cannot be written: {error}.") from error
        finally:
            if partial.is_file():
                partial.unlink()
            shutil.rmtree(partial, ignore_errors=True)

    def unneeded(self, project_id: int, keep: int) -> list[VersionInfo]:
        """The project's versions that can be deleted.

        Args:
            project_id: Label Studio's number of the project.
            keep: How many of each kind to keep besides those that are needed, the newest.

        Raises:
            DatabaseError: The database cannot be read.
        """
        found = []
        versions = self.versions(project_id)
        for kind in PREFIXES:
            spare = [each.info for each in versions if each.info.kind == kind and not each.needed]
            found += spare[keep:]
        return found

    def remove(self, info: VersionInfo) -> None:
        """Delete a version, unless it is needed by now.

        Raises:
            ModelStoreError: It is needed, or cannot be deleted.
            DatabaseError: The database cannot be read.
        """
        if any(kept.needed for kept in self.versions(info.project_id) if kept.info == info):
            raise ModelStoreError(f"{info.name} is used; activate another version first.")
        self._store.remove(info)

    def _chosen(self, project_id: int) -> str:
        """The version that the project shows in Label Studio, in the order of the queue or not."""
        return answering_version(self._inbox.chosen_version(project_id) or "")

    def _doubts(self, info: VersionInfo) -> list[str]:
        doubts = []
        if not info.gate.get("passed"):
            doubts.append(f"It did not pass the gate: {info.gate.get('reason', 'no reason is known')}")
        project = self._projects.newest(info.project_id)
        if project is not None and not fits(
            info.schema, label_schema(LabelConfig.parse(project.label_config))
        ):
            doubts.append(
                "It knows labels that are no longer in the labelling config, so the untrained model answers."
            )
        return doubts

    def _shown_instead(self, info: VersionInfo) -> list[str]:
        chosen = self._chosen(info.project_id)
        others = {other.name for other in self._store.versions(info.project_id)} - {info.name}
        if info.kind != KIND or chosen not in others:
            return []
        return [
            f"Label Studio shows the predictions of {chosen}, which therefore answers instead: choose this "
            "version, or the model's title, in the project's settings."
        ]
