"""A pre-labeller's network that has learned nothing, as a folder of a trained one."""

import json
from pathlib import Path

import safetensors.torch
import torch

from models.label_schema import LabelSchema, Question
from models.networks.unet import UNet
from models.prelabel.analysis import Calibration
from models.prelabel.network_description import DESCRIPTION, WEIGHTS, NetworkDescription

SCHEMA = LabelSchema(
    ("cell", "debris"), (Question("stain", ("weak", "strong")), Question("seen", ("fold", "ink"), True))
)


def write_random_unet(folder: Path, schema: LabelSchema = SCHEMA, *, side: int = 192, seed: int = 0) -> Path:
    """Fill a new folder with the two files of a network and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(len(schema.classes), [len(question.answers) for question in schema.questions])
    tensors = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    (folder / WEIGHTS).write_bytes(safetensors.torch.save(tensors))
    description = NetworkDescription(schema, side, frozenset(schema.classes[:1]), Calibration())
    (folder / DESCRIPTION).write_text(json.dumps(description.to_json()), encoding="utf-8")
    return folder
