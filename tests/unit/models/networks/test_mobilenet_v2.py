import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.mobilenet_v2 import MobileNetV2


def torchvision_state() -> dict[str, Tensor]:
    """Random weights under torchvision's names, with batch norm that does something."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def add(convolution: str, norm: str, weight: Tensor) -> None:
        channels = len(weight)
        state[f"{convolution}.weight"] = 0.3 * torch.randn(weight.shape, generator=generator)
        state[f"{norm}.weight"] = 0.5 + torch.rand(channels, generator=generator)
        state[f"{norm}.bias"] = torch.randn(channels, generator=generator)
        state[f"{norm}.running_mean"] = torch.randn(channels, generator=generator)
        state[f"{norm}.running_var"] = 0.5 + torch.rand(channels, generator=generator)

    for name, weight in MobileNetV2().state_dict().items():
        if not name.endswith("conv.weight"):
            continue
        parts = name.split(".")
        prefix = f"features.{parts[1]}."
        if parts[2] == "conv":
            add(f"{prefix}0", f"{prefix}1", weight)
            continue
        n_layers, layer = (2 if parts[1] == "1" else 3), int(parts[3])
        last = layer == n_layers - 1
        inner = f"{prefix}conv.{layer}"
        add(inner if last else f"{inner}.0", f"{prefix}conv.{layer + 1}" if last else f"{inner}.1", weight)
    return state


@pytest.fixture
def network() -> MobileNetV2:
    return MobileNetV2().eval()


@pytest.mark.parametrize("size", [(64, 64), (32, 96), (16, 16)])
def test_the_pyramid_has_the_promised_channels_and_strides(
    network: MobileNetV2, size: tuple[int, int]
) -> None:
    with torch.inference_mode():
        pyramid = network(torch.zeros(2, 3, *size))

    strides = (2, 4, 8, 16, 16)
    expected = [(2, c, size[0] // s, size[1] // s) for c, s in zip(network.channels, strides, strict=True)]
    assert [tuple(level.shape) for level in pyramid] == expected


def test_folded_batch_norm_computes_the_same(network: MobileNetV2) -> None:
    state = torchvision_state()
    network.load_torchvision({**state, "classifier.1.weight": torch.zeros(1)})
    image = torch.rand(1, 3, 32, 32)
    norm = nn.BatchNorm2d(32).eval()
    norm.load_state_dict(
        {key: state[f"features.0.1.{key}"] for key in ("weight", "bias", "running_mean", "running_var")},
        strict=False,
    )
    convolved = functional.conv2d(functional.pad(image, (0, 1, 0, 1)), state["features.0.0.weight"], stride=2)
    with torch.inference_mode():
        expected = functional.relu6(norm(convolved))

        assert torch.allclose(network.blocks[0](image), expected, atol=1e-4)


def test_a_missing_layer_is_named(network: MobileNetV2) -> None:
    state = torchvision_state()
    del state["features.5.conv.1.0.weight"]

    with pytest.raises(KeyError, match=r"features\.5\.conv\.1\.0\.weight"):
        network.load_torchvision(state)
