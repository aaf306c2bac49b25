"""Pre-processors: from pictures to pictures of the same size in which people and models see more."""

from models.preprocess.base import PreProcessor
from models.preprocess.bilateral import Bilateral
from models.preprocess.channel import Channel
from models.preprocess.clahe import Clahe
from models.preprocess.flatten_background import FlattenBackground
from models.preprocess.gamma import Gamma
from models.preprocess.median import Median
from models.preprocess.non_local_means import NonLocalMeans
from models.preprocess.percentile_stretch import PercentileStretch
from models.preprocess.window_level import WindowLevel
from models.registry import Registry

PRE_PROCESSORS = Registry[PreProcessor](
    "pre-processor",
    [
        Bilateral,
        Channel,
        Clahe,
        FlattenBackground,
        Gamma,
        Median,
        NonLocalMeans,
        PercentileStretch,
        WindowLevel,
    ],
)
