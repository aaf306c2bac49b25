"""Everything that can be configured, read once from `MASKLOOP_*` environment variables.

Only `wsgi` and the scripts' `main` functions read the environment; everyone else is handed values.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.errors import SettingsError
from models.weights_files import FOLDER, weights_path

_PREFIX = "MASKLOOP_"


def _split_commas(value: object) -> object:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _http_url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/") if value else None


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Url = Annotated[str | None, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """One frozen object; every field has a type, a default and a description."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=_PREFIX, frozen=True, extra="forbid", validate_default=True
    )

    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=9090, ge=1, le=65535, description="Port the server listens on.")
    threads: int = Field(default=16, ge=1, le=256, description="Requests answered at the same time.")
    state_dir: Path = Field(
        default=Path("~/.maskloop"), description="Folder of everything that must survive a restart."
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the database; a SQLite file in the state folder if unset.",
    )
    basic_auth_user: str | None = Field(
        default=None, description="User that Label Studio must give; set it together with the password."
    )
    basic_auth_password: SecretStr | None = Field(
        default=None, description="Password for every endpoint but /health."
    )
    label_studio_url: Url = Field(
        default=None, description="Where this service reaches Label Studio; needed for uploaded pictures."
    )
    label_studio_api_key: SecretStr | None = Field(
        default=None, description="Legacy or personal access token of a user who may read the projects."
    )
    local_files_root: Path | None = Field(
        default=None,
        description="Label Studio's LOCAL_FILES_DOCUMENT_ROOT if mounted here; else files come by HTTP.",
    )
    allowed_hosts: Names = Field(
        default=(),
        description="Public hosts that task pictures may come from, as a comma list; *.example.com works.",
    )
    allowed_private_hosts: Names = Field(
        default=(),
        description="Hosts (host or host:port) that may lie on a private network, such as a MinIO server.",
    )
    max_body_bytes: int = Field(default=32 * 2**20, ge=1024, description="Largest request body.")
    max_image_bytes: int = Field(default=64 * 2**20, ge=1024, description="Largest encoded picture.")
    max_image_pixels: int = Field(default=8192 * 8192, ge=1, description="Largest picture, in pixels.")
    image_timeout_s: float = Field(default=20.0, gt=0, description="Time for fetching one picture.")
    image_cache_bytes: int = Field(default=256 * 2**20, ge=0, description="Memory for decoded pictures.")
    embedding_cache_bytes: int = Field(default=512 * 2**20, ge=0, description="Memory for encoded pictures.")
    mask_cache_bytes: int = Field(
        default=128 * 2**20, ge=0, description="Memory for answers to earlier clicks."
    )
    prefetch_tasks: int = Field(
        default=2,
        ge=0,
        le=20,
        description="Next tasks encoded while the device is idle; needs the API key.",
    )
    interactive_model: str = Field(default="clicknet", description="Turns clicks and boxes into masks.")
    clicknet_weights: Path | None = Field(
        default=None, description="Own weights of clicknet, made by train_clicknet; else the shipped ones."
    )
    sam_checkpoint: str = Field(
        default="sam-vit-b", description="Weights of sam: a name that fetch_weights lists, or a file."
    )
    prelabeller: str = Field(default="watershed", description="Finds the objects when a task is opened.")
    postprocess: Names = Field(
        default=("fill-holes", "drop-fragments"),
        description="Post-processors of every mask, in order, as name or name:option=value.",
    )
    max_regions: int = Field(
        default=300, ge=1, description="Most objects of a class pre-labelled in one picture, the largest."
    )
    max_mask_pixels: int = Field(
        default=32_000_000,
        ge=1,
        description="The same for brush and bitmask regions: their number times the picture's pixels.",
    )
    polygon_min_iou: float = Field(
        default=0.99, gt=0, le=1, description="Least overlap of a simplified polygon with its mask."
    )
    polygon_max_points: int = Field(
        default=1000, ge=6, description="Most corners of one object's polygons; wins over the overlap."
    )
    compute_slots: int = Field(default=2, ge=1, description="Pictures computed at the same time.")
    compute_queue: int = Field(
        default=64, ge=0, description="Computations that may wait; more are answered 503 with Retry-After."
    )
    torch_threads: int = Field(
        default=0, ge=0, description="Processors of one computation; 0 shares them among the slots."
    )
    click_log_days: int = Field(
        default=90, ge=0, description="Days that clicks stay in the database; 0 keeps none."
    )
    worker: bool = Field(
        default=True, description="Whether serve starts and watches the worker process that trains."
    )
    queue_url: SecretStr | None = Field(
        default=None,
        description="redis:// URL of a job queue for several machines; else a file in the state folder.",
    )
    learn: bool = Field(
        default=True, description="Whether projects train models of their own from what is annotated."
    )
    fit_after: int = Field(
        default=8, ge=1, description="Changed annotations of a project after which a training begins."
    )
    fit_quiet_s: float = Field(
        default=60.0,
        ge=0,
        description="Seconds without changes after which fewer are enough; also the least time between two.",
    )
    fit_seconds: float = Field(
        default=120.0, ge=5, description="About how long a training may take with up to 50 pictures."
    )
    fit_seconds_max: float = Field(default=900.0, ge=5, description="The same with any number of pictures.")
    fit_threads: int = Field(
        default=0, ge=0, description="Processors of a training; 0 takes all that clicks leave idle."
    )
    project_models: int = Field(
        default=8, ge=1, description="Trained models of each kind kept in memory, those used last."
    )
    group_field: Names = Field(
        default=("sequence", "sequence_id", "group", "video"),
        description="Fields of a task's data or meta that name its sequence; the first one found counts.",
    )
    frame_field: Names = Field(
        default=("frame",),
        description="Fields of a task's data or meta that number the pictures of a sequence; likewise.",
    )
    selector: str = Field(default="auto", description="Decides which tasks are asked next.")
    select_after_fit: bool = Field(
        default=False,
        description="Whether the tasks are put in a new order whenever a trained version is used; needs the "
        "API key.",
    )
    inspect: bool = Field(
        default=True,
        description="Whether submitted annotations are inspected, and warnings written to their tasks; needs "
        "the API key.",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least important level logged."
    )
    log_json: bool = Field(default=False, description="One JSON object per log line.")

    @model_validator(mode="after")
    def _user_and_password_together(self) -> Settings:
        if (self.basic_auth_user is None) != (self.basic_auth_password is None):
            raise ValueError("basic_auth_user and basic_auth_password must be set together")
        return self

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `MASKLOOP_*` variables.

        Raises:
            SettingsError: A variable has a wrong value, or its name is not a setting.
        """
        unknown = sorted(
            name
            for name in os.environ
            if name.startswith(_PREFIX) and name.removeprefix(_PREFIX).lower() not in cls.model_fields
        )
        if unknown:
            raise SettingsError(
                f"{', '.join(unknown)}: no such setting. Run `python -m scripts.show_settings` for the list."
            )
        try:
            return cls()
        except ValidationError as error:
            problems = "; ".join(
                f"{_PREFIX}{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
                for item in error.errors()
            )
            raise SettingsError(problems) from None

    @property
    def resolved_state_dir(self) -> Path:
        """The state folder with `~` expanded."""
        return self.state_dir.expanduser()

    @property
    def weights_dir(self) -> Path:
        """Folder of fetched weights."""
        return self.resolved_state_dir / FOLDER

    @property
    def versions_dir(self) -> Path:
        """Folder of the versions that were trained for projects."""
        return self.resolved_state_dir / "versions"

    @property
    def jobs_dir(self) -> Path:
        """Folder of what running jobs keep, to be gone on with."""
        return self.resolved_state_dir / "jobs"

    @property
    def model_options(self) -> dict[str, dict[str, Any]]:
        """Hyper-parameters of interactive models, by name."""
        return {
            "clicknet": {"weights": self.clicknet_weights and self.clicknet_weights.expanduser()},
            "sam": {"checkpoint": weights_path(self.sam_checkpoint, self.weights_dir)},
        }

    @property
    def resolved_database_url(self) -> str:
        """The database URL, or that of the SQLite file in the state folder."""
        return self.database_url or f"sqlite:///{self.resolved_state_dir / 'maskloop.sqlite3'}"
