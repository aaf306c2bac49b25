"""Selectors: which tasks are asked next."""

from backend.selection.auto import Auto
from backend.selection.bald import Bald
from backend.selection.base import Selector
from backend.selection.class_stratified_power_entropy import ClassStratifiedPowerEntropy
from backend.selection.committee import Committee
from backend.selection.core_set import CoreSet
from backend.selection.entropy import Entropy
from backend.selection.foreground_aware_random import ForegroundAwareRandom
from backend.selection.least_confidence import LeastConfidence
from backend.selection.margin import Margin
from backend.selection.predicted_quality import PredictedQuality
from backend.selection.random import Random
from backend.selection.selective_entropy import SelectiveEntropy
from backend.selection.sequence_aware import SequenceAware
from backend.selection.sequential import Sequential
from backend.selection.stochastic_batch import StochasticBatch
from backend.selection.typiclust import TypiClust
from models.registry import Registry

SELECTORS = Registry[Selector](
    "selector",
    [
        Auto,
        Bald,
        ClassStratifiedPowerEntropy,
        Committee,
        CoreSet,
        Entropy,
        ForegroundAwareRandom,
        LeastConfidence,
        Margin,
        PredictedQuality,
        Random,
        SelectiveEntropy,
        SequenceAware,
        Sequential,
        StochasticBatch,
        TypiClust,
    ],
)
