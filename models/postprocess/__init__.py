"""Post-processors: from regions to better regions of the same picture."""

from models.postprocess.base import PostProcessor
from models.postprocess.drop_fragments import DropFragments
from models.postprocess.fill_holes import FillHoles
from models.registry import Registry

POST_PROCESSORS = Registry[PostProcessor]("post-processor", [DropFragments, FillHoles])
