import pytest
import torch
from torch import Tensor, nn

from models.label_schema import LabelSchema, Question
from models.networks.unet import Pyramid, Segmentation, UNet
from models.training.prelabel_batches import Batch
from models.training.prelabel_losses import dice_per_picture, error_loss, segmentation_loss
from models.training.prelabel_samples import UNKNOWN

SCHEMA = LabelSchema(
    ("cell", "debris"), (Question("light", ("dark", "bright")), Question("ink", ("yes",), True))
)
SURE = 40.0


class Said(UNet):
    """A network that says what it is told to."""

    def __init__(self, segmentation: Segmentation, answers: list[Tensor]) -> None:
        nn.Module.__init__(self)
        self.n_classes = len(SCHEMA.classes)
        self._segmentation = segmentation
        self._answers = answers

    def segment(self, pyramid: Pyramid) -> Segmentation:
        return self._segmentation

    def answer(self, pyramid: Pyramid) -> list[Tensor]:
        return self._answers


def halves() -> Tensor:
    """Two pictures: one of both classes, one of background, (2, 64, 64)."""
    classes = torch.zeros(2, 64, 64, dtype=torch.int64)
    classes[0, :, :32] = 1
    classes[0, :, 32:] = 2
    return classes


def batch_of(classes: Tensor, light: list[list[float]], known: list[bool]) -> Batch:
    depth = ((classes > 0) & (classes != UNKNOWN)).float()[:, None]
    answers = [
        (torch.tensor(light), torch.tensor(known)),
        (torch.zeros(len(classes), 1), torch.tensor([True] * len(classes))),
    ]
    return Batch(torch.zeros(len(classes), 3, 64, 64), classes, depth, answers)


def perfect(classes: Tensor) -> Segmentation:
    small = classes[:, ::2, ::2]
    told = torch.where(small == UNKNOWN, 0, small)
    logits = SURE * nn.functional.one_hot(told, 3).permute(0, 3, 1, 2).float()
    return Segmentation(logits, torch.full((len(classes), 1, 32, 32), SURE))


def loss_of(segmentation: Segmentation, batch: Batch, answers: list[Tensor]) -> float:
    pyramid = [torch.zeros(2, 1, 4, 4)] * 5
    return float(segmentation_loss(Said(segmentation, answers), pyramid, batch, SCHEMA))


def right_answers() -> list[Tensor]:
    return [torch.tensor([[SURE, 0], [0, SURE]]), torch.full((2, 1), -SURE)]


def test_what_is_right_and_sure_costs_almost_nothing() -> None:
    batch = batch_of(halves(), [[1, 0], [0, 1]], [True, True])

    assert 0 <= loss_of(perfect(batch.classes), batch, right_answers()) < 0.2
    inner = batch_of(torch.ones(2, 64, 64, dtype=torch.int64), [[1, 0], [0, 1]], [True, True])
    assert 0 <= loss_of(perfect(inner.classes), inner, right_answers()) < 1e-3


@pytest.mark.parametrize("wrong", ["classes", "depth", "light", "ink"])
def test_each_mistake_costs(wrong: str) -> None:
    batch = batch_of(halves(), [[1, 0], [0, 1]], [True, True])
    right, answers = perfect(batch.classes), right_answers()
    least = loss_of(right, batch, answers)
    if wrong == "light":
        answers[0] = answers[0].flip(1)
    if wrong == "ink":
        answers[1] = -answers[1]
    segmentation = Segmentation(
        right.logits.flip(1) if wrong == "classes" else right.logits,
        -right.depth if wrong == "depth" else right.depth,
    )

    assert loss_of(segmentation, batch, answers) > least + 1


def test_what_is_said_of_unknown_pixels_costs_nothing() -> None:
    classes = halves()
    classes[:, :20] = UNKNOWN
    batch = batch_of(classes, [[1, 0], [0, 1]], [True, True])
    right = perfect(classes)
    other = Segmentation(right.logits.clone(), right.depth.clone())
    other.logits[:, :, :9] = other.logits[:, :, :9].flip(1)
    other.depth[:, :, :9] *= -1

    assert loss_of(other, batch, right_answers()) == loss_of(right, batch, right_answers())


def test_unanswered_questions_cost_nothing() -> None:
    batch = batch_of(halves(), [[1, 0], [1, 0]], [True, False])

    assert loss_of(perfect(halves()), batch, right_answers()) < 0.2


@pytest.mark.parametrize("n_classes", [0, 2])
def test_a_batch_about_which_nothing_is_known_teaches_nothing(n_classes: int) -> None:
    schema = LabelSchema(SCHEMA.classes[:n_classes], SCHEMA.questions[:1])
    network = UNet(n_classes, [2])
    unknown = torch.full((1, 64, 64), UNKNOWN)
    nobody = [(torch.zeros(1, 1), torch.tensor([False]))]
    batch = Batch(torch.zeros(1, 3, 64, 64), unknown, torch.zeros(1, 1, 64, 64), nobody)
    loss = segmentation_loss(network, network.encode(batch.images), batch, schema)
    loss.backward()

    assert loss == 0
    assert not any(p.grad is not None and p.grad.any() for p in network.parameters())


def test_dice_per_picture_is_the_mean_over_the_classes_on_either_side() -> None:
    truth = torch.zeros(4, 4, 4, dtype=torch.int64)
    said = torch.zeros_like(truth)
    truth[0, :2] = 1
    said[0, :1] = 1  # 4 of 8 pixels: 2 * 4 / 12
    truth[1, :2], said[1, :2] = 1, 1
    said[1, 3] = 2  # found where there is none
    truth[2] = UNKNOWN
    said[2] = 1

    assert dice_per_picture(said, truth, 3).tolist() == pytest.approx([2 / 3, 1 / 2, 1, 1])


def test_an_error_map_that_is_right_costs_less_than_one_that_is_not() -> None:
    torch.manual_seed(0)
    network = UNet(1)
    images = torch.rand(1, 3, 64, 64) * 2 - 1
    probabilities = torch.zeros(1, 2, 32, 32)
    probabilities[:, 0], probabilities[:, 1] = 0.9, 0.1
    classes = torch.zeros(1, 64, 64, dtype=torch.int64)
    classes[:, :, :32] = 1
    optimizer = torch.optim.Adam(network.errors.parameters(), lr=3e-3)
    losses = []
    with torch.no_grad():
        pyramid = network.encode(images)
    for _ in range(25):
        optimizer.zero_grad()
        loss, dice = error_loss(network, pyramid, probabilities, classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert dice.tolist() == [0]
    assert losses[-1] < 0.6 * losses[0]
