"""Segment Anything behind the service: chosen by settings, and what is said while it cannot be loaded."""

from pathlib import Path

from backend.app import create_app
from backend.settings import Settings
from tests.fakes.requests import point, predict_body
from tests.fakes.tiny_sam import write_tiny_sam


def test_a_click_is_answered_by_the_checkpoint_of_the_settings(settings: Settings, tmp_path: Path) -> None:
    checkpoint = write_tiny_sam(tmp_path / "tiny.pth")
    update = {"interactive_model": "sam", "sam_checkpoint": str(checkpoint)}
    client = create_app(settings.model_copy(update=update)).test_client()
    assert client.get("/ready").status_code == 200

    answer = client.post("/predict", json=predict_body(prompts=[point(100, 100)]))
    assert answer.json is not None
    (prediction,) = answer.json["results"]
    assert prediction["result"]
    assert prediction["model_version"].startswith("sam-1-")


def test_a_missing_checkpoint_is_said_with_the_command_that_fetches_it(settings: Settings) -> None:
    update = {"interactive_model": "sam", "sam_checkpoint": "sam-vit-h"}
    client = create_app(settings.model_copy(update=update)).test_client()
    ready = client.get("/ready")
    answer = client.post("/predict", json=predict_body(prompts=[point(100, 100)]))

    assert (ready.status_code, answer.status_code) == (503, 503)
    assert answer.json is not None
    assert answer.json["error"] == "WeightsNotFoundError"
    for text in (ready.text, answer.text):
        assert str(settings.state_dir / "weights" / "sam_vit_h_4b8939.pth") in text
        assert "python -m scripts.fetch_weights sam-vit-h" in text
