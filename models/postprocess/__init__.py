"""Post-processors: from regions to better regions of the same picture."""

from models.postprocess.base import PostProcessor
from models.postprocess.convex_hull import ConvexHull
from models.postprocess.drop_fragments import DropFragments
from models.postprocess.fill_holes import FillHoles
from models.postprocess.keep_largest import KeepLargest
from models.postprocess.merge_close import MergeClose
from models.postprocess.polar_outline import PolarOutline
from models.postprocess.smooth_outline import SmoothOutline
from models.postprocess.snap_to_edges import SnapToEdges
from models.postprocess.split_touching import SplitTouching
from models.registry import Registry

POST_PROCESSORS = Registry[PostProcessor](
    "post-processor",
    [
        ConvexHull,
        DropFragments,
        FillHoles,
        KeepLargest,
        MergeClose,
        PolarOutline,
        SmoothOutline,
        SnapToEdges,
        SplitTouching,
    ],
)
