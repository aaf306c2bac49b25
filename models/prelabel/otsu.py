"""The simplest pre-labeller: everything on the foreground's side of one threshold."""

from models.arrays import Image
from models.prelabel.base import PreLabeller, PreLabels
from models.prelabel.foreground import find_foreground, image_class
from models.regions import Region


class Otsu(PreLabeller):
    """Gives the foreground of a picture as one region, by Otsu's threshold with automatic polarity.

    The score of the region and of the pre-labels is the separability of the two sides, for an empty picture
    the belief that it is empty. Stateless; may be shared between threads.
    """

    name = "otsu"
    version = "otsu-1"
    classes = ("foreground",)
    image_classes = ("empty", "not-empty")

    def predict(self, image: Image) -> PreLabels:
        """Find the foreground; see the base class."""
        foreground = find_foreground(image)
        region = Region.from_mask(foreground.mask, self.classes[0], foreground.separability)
        statement = image_class(foreground)
        if region is None:
            return PreLabels((), (statement,), statement.score)
        return PreLabels((region,), (statement,), region.score)
