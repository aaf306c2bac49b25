"""`/predict`: pre-labels for tasks, masks for clicks."""

from flask import Blueprint, Response, jsonify

from backend.api.bodies import json_body
from backend.labelstudio.payloads import parse_predict
from backend.services.predictions import Predictions


def predictions_blueprint(predictions: Predictions) -> Blueprint:
    """Build the endpoint over the service."""
    blueprint = Blueprint("predictions", __name__)

    @blueprint.post("/predict")
    def predict() -> Response:
        return jsonify({"results": predictions.predict(parse_predict(json_body()))})

    return blueprint
