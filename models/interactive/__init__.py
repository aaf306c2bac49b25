"""Interactive models: from clicks and boxes to one object."""

from typing import Any

from models.interactive.base import InteractiveModel
from models.interactive.clicknet import ClickNetModel
from models.interactive.graphcut import GraphCut
from models.interactive.sam import Sam
from models.registry import Registry

INTERACTIVE_MODELS = Registry[InteractiveModel[Any]]("interactive model", [ClickNetModel, GraphCut, Sam])
