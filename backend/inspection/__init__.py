"""Inspection rules: what is doubtful about annotations."""

from backend.inspection.annotators_disagree import AnnotatorsDisagree
from backend.inspection.bad_outline import BadOutline
from backend.inspection.base import InspectionRule
from backend.inspection.belief_missed_object import MissedObject
from backend.inspection.belief_spurious_object import SpuriousObject
from backend.inspection.belief_unlike_model import UnlikeModel
from backend.inspection.belief_unlikely_pixels import UnlikelyPixels
from backend.inspection.belief_wrong_class import WrongClass
from backend.inspection.click_trajectory import ClickTrajectory
from backend.inspection.coarse_outline import CoarseOutline
from backend.inspection.cut_by_border import CutByBorder
from backend.inspection.duplicate_object import DuplicateObject
from backend.inspection.empty_annotation import EmptyAnnotation
from backend.inspection.fragments import Fragments
from backend.inspection.holes import Holes
from backend.inspection.jagged_outline import JaggedOutline
from backend.inspection.missing_label import MissingLabel
from backend.inspection.near_duplicate import NearDuplicate
from backend.inspection.off_edge import OffEdge
from backend.inspection.overlapping_objects import OverlappingObjects
from backend.inspection.sequence_jump import SequenceJump
from backend.inspection.straight_cut import StraightCut
from backend.inspection.tiny_object import TinyObject
from backend.inspection.too_fast import TooFast
from backend.inspection.too_slow import TooSlow
from backend.inspection.untouched_pre_label import UntouchedPreLabel
from backend.inspection.unusual_intensity import UnusualIntensity
from backend.inspection.unusual_shape import UnusualShape
from backend.inspection.unusual_size import UnusualSize
from models.registry import Registry

RULES = Registry[InspectionRule](
    "inspection rule",
    [
        AnnotatorsDisagree,
        BadOutline,
        ClickTrajectory,
        CoarseOutline,
        CutByBorder,
        DuplicateObject,
        EmptyAnnotation,
        Fragments,
        Holes,
        JaggedOutline,
        MissedObject,
        MissingLabel,
        NearDuplicate,
        OffEdge,
        OverlappingObjects,
        SequenceJump,
        SpuriousObject,
        StraightCut,
        TinyObject,
        TooFast,
        TooSlow,
        UnlikeModel,
        UnlikelyPixels,
        UntouchedPreLabel,
        UnusualIntensity,
        UnusualShape,
        UnusualSize,
        WrongClass,
    ],
)
