"""`/webhook`: store the event and answer; Label Studio waits inside the annotator's submit."""

from flask import Blueprint, Response, jsonify

from backend.api.bodies import json_body
from backend.labelstudio.payloads import parse_webhook
from backend.services.events import Events


def webhooks_blueprint(events: Events) -> Blueprint:
    """Build the endpoint over the service."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhook")
    def webhook() -> tuple[Response, int]:
        number = events.store(parse_webhook(json_body()))
        # An object, never a list: a list as answer to START_TRAINING is an error 500 in Label Studio.
        return jsonify({"status": "stored", "event": number}), 201

    return blueprint
