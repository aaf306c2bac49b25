"""Pre-labellers: from a picture to all its objects, before anybody clicks."""

from models.prelabel.base import PreLabeller
from models.prelabel.otsu import Otsu
from models.prelabel.watershed import Watershed
from models.registry import Registry

PRELABELLERS = Registry[PreLabeller]("pre-labeller", [Otsu, Watershed])
