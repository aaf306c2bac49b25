"""A labelling config with every kind of control, and its controls by name."""

from backend.labelstudio.controls import Control
from backend.labelstudio.label_config import LabelConfig

LABELS = '<Label value="Cell"/><Label value="Debris"/>'
CONFIG = f"""
<View>
  <Image name="image" value="$image"/>
  <BrushLabels name="brush" toName="image" smart="false">{LABELS}</BrushLabels>
  <BitmaskLabels name="bitmask" toName="image" smart="false">{LABELS}</BitmaskLabels>
  <PolygonLabels name="polygon" toName="image" smart="false">{LABELS}</PolygonLabels>
  <VectorLabels name="vector" toName="image" smart="false" closable="true">{LABELS}</VectorLabels>
  <RectangleLabels name="rectangle" toName="image" smart="false">{LABELS}</RectangleLabels>
  <RectangleLabels name="turned" toName="image" smart="false" model_obb="true">{LABELS}</RectangleLabels>
  <EllipseLabels name="ellipse" toName="image" smart="false">{LABELS}</EllipseLabels>
  <KeyPointLabels name="keypoint" toName="image" smart="false">{LABELS}</KeyPointLabels>
  <KeyPointLabels name="clicks" toName="image" smart="true">{LABELS}</KeyPointLabels>
  <RectangleLabels name="prompt" toName="image" smart="true">{LABELS}</RectangleLabels>
  <Choices name="quality" toName="image"><Choice value="Sharp"/><Choice value="Blurred"/></Choices>
</View>
"""
BARE_CONFIG = f"""
<View>
  <Image name="image" value="$image"/>
  <Labels name="labels" toName="image">{LABELS}</Labels>
  <Brush name="brush" toName="image" smart="false"/>
  <Bitmask name="bitmask" toName="image" smart="false"/>
  <Polygon name="polygon" toName="image" smart="false"/>
  <Vector name="vector" toName="image" smart="false" closable="true"/>
  <Rectangle name="rectangle" toName="image" smart="false"/>
  <Ellipse name="ellipse" toName="image" smart="false"/>
  <KeyPoint name="keypoint" toName="image" smart="false"/>
</View>
"""
UNLABELLED_CONFIG = """
<View>
  <Image name="image" value="$image"/>
  <Brush name="brush" toName="image" smart="false"/>
  <Polygon name="polygon" toName="image" smart="false"/>
</View>
"""


def controls_of(config: str) -> dict[str, Control]:
    return {control.name: control for control in LabelConfig.parse(config).controls}


CONTROLS = controls_of(CONFIG)
BARE_CONTROLS = controls_of(BARE_CONFIG)
UNLABELLED_CONTROLS = controls_of(UNLABELLED_CONFIG)
