"""`/health`, `/ready`, `/setup` and `/versions`: called dozens of times a day, constant time."""

from flask import Blueprint, Response, jsonify

from backend.api.bodies import json_body
from backend.labelstudio.payloads import parse_setup
from backend.services.project_models import ProjectModels
from backend.services.projects import Projects
from backend.services.readiness import Readiness


def lifecycle_blueprint(*, projects: Projects, readiness: Readiness, models: ProjectModels) -> Blueprint:
    """Build the endpoints over the services."""
    blueprint = Blueprint("lifecycle", __name__)

    @blueprint.get("/health")
    def health() -> Response:
        return jsonify({"status": "UP", "model_class": "Maskloop"})

    @blueprint.get("/ready")
    def ready() -> tuple[Response, int]:
        missing = readiness.missing()
        return jsonify({"status": "NOT_READY" if missing else "READY", "missing": missing}), (
            503 if missing else 200
        )

    @blueprint.post("/setup")
    def setup() -> Response:
        return jsonify({"model_version": projects.set_up(parse_setup(json_body()))})

    @blueprint.get("/versions")
    def versions() -> Response:
        return jsonify({"versions": models.versions()})

    return blueprint
