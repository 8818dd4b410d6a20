"""Networks with skips: right as a whole, equal to the plain one in their encoder, and never cut."""

import pytest
import torch
from torch import nn
from torch.nn.functional import pad

from atdt.errors import NetworkError
from atdt.networks import NetworkSpec, build_network, macs, split_module
from atdt.networks.blocks import Decoder
from atdt.networks.skips import SkipNetwork

CANNOT = "this network: has skips, so it cannot be cut .*a transfer network has nothing to put"


def make_network(skips=("1", "0.0")):
    """Stages at 1/4, 1/4, 1/8 and 1/8 of the side, the first of two modules that halve."""
    torch.manual_seed(4)

    def halving(inputs, outputs):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs))

    stages = [
        nn.Sequential(halving(3, 4), halving(4, 5)),
        nn.Conv2d(5, 6, 1),
        halving(6, 7),
        nn.ELU(),
    ]
    decoder = Decoder(
        7, (8, 9), 2, None, skips=[{"1": 6, "0": 5, "0.0": 4}[name] for name in skips]
    )
    return SkipNetwork(stages, decoder, skips=skips, stride=8)


def by_hand(network, images):
    height, width = images.shape[-2:]
    padded = pad(images, (0, -width % 8, 0, -height % 8), mode="replicate")
    (first, second), *others = network.stages
    maps = {"0.0": first(padded)}
    maps["0"] = second(maps["0.0"])
    maps["1"] = others[0](maps["0"])
    features = others[2](others[1](maps["1"]))
    output = network.decoder(features, *(maps[name] for name in network.skips))
    return output[..., :height, :width], features


@pytest.mark.parametrize("skips", [("1", "0.0"), ("0", "0.0"), ("1",)])
@pytest.mark.parametrize("size", [(16, 24), (13, 18)])
def test_the_decoder_reads_the_maps_in_their_order(images, skips, size):
    network = make_network(skips).eval()
    batch = images(2, *size)
    output, features = network.output_and_features(batch)
    expected = by_hand(network, batch)
    assert output.shape == (2, 2, *size)
    assert torch.equal(output, expected[0])
    assert torch.equal(features, expected[1])
    assert torch.equal(network(batch), output)
    assert features.shape[1:] == network.feature_shape(None, size)


def test_what_a_skip_carries_is_used(images):
    network, batch = make_network().eval(), images(1, 16, 16)
    before = network(batch)
    with torch.no_grad():
        network.decoder[3][0].weight[:, -4:] += 1  # what reads the map of "0.0"
    assert not torch.equal(network(batch), before)


def test_each_stage_is_run_once(images):
    network = make_network().train()
    network(images(2, 16, 16))
    counters = [n for name, n in network.named_buffers() if name.endswith("num_batches_tracked")]
    assert [int(count) for count in counters] == [1, 1, 1]


def test_shapes_and_costs_compute_nothing_and_change_nothing():
    network = make_network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shapes = [tuple(tensor.shape) for tensor in network.decoder_inputs((15, 17))]
    assert shapes == [(2, 7, 2, 3), (2, 6, 4, 6), (2, 4, 8, 12)]
    assert macs(network, (15, 17)) == macs(network, (16, 24)) > 0
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


@pytest.mark.parametrize(
    "use",
    [
        lambda network: network.check_can_be_cut(),
        lambda network: network.encode(torch.rand(1, 3, 8, 8)),
        lambda network: network.encode(torch.rand(1, 3, 8, 8), "level0"),
        lambda network: network.encode_levels(torch.rand(1, 3, 8, 8), ["level1"]),
        lambda network: network.decode(torch.rand(1, 7, 1, 1)),
        lambda network: network.decode(torch.rand(1, 5, 2, 2), "level0", (8, 8)),
        lambda network: split_module(network, ["stages.0", "stages.1", "stages.2", "stages.3"]),
    ],
)
def test_it_is_not_cut(use):
    with pytest.raises(NetworkError, match=CANNOT) as refusal:
        use(make_network())
    assert "\n" not in str(refusal.value)


def test_a_refusal_names_the_run():
    with pytest.raises(NetworkError, match=r"runs/n1: has skips, so .*; train one without skips"):
        make_network().check_can_be_cut("runs/n1")


def test_networks_without_skips_can_be_cut(toy):
    toy().check_can_be_cut()


def test_levels_and_digests_are_those_of_any_network():
    network = make_network()
    assert network.levels == ("level0", "level1", "level2", "level3")
    assert network.feature_shape("level0", (16, 16)) == (5, 4, 4)
    assert network.weights_digest("encoder") != network.weights_digest("network")


@pytest.mark.parametrize("name", ["dilated-resnet50", "atdt-resnet50", "atdt-vgg"])
def test_the_encoder_is_the_one_without_skips(name):
    """`--init-from` starts the one from the other."""
    with torch.device("meta"):
        plain, skipping = (
            build_network(NetworkSpec(name, {"skips": skips}), 3) for skips in (False, True)
        )
    shapes = [{n: t.shape for n, t in net.stages.state_dict().items()} for net in (plain, skipping)]
    assert shapes[0] == shapes[1]
    assert isinstance(skipping, SkipNetwork)
    assert not isinstance(plain, SkipNetwork)


def test_a_network_of_the_project_with_skips_learns_from_all_its_weights(images):
    network = build_network(NetworkSpec("atdt-vgg", {"skips": True}), 2, seed=0).train()
    network(images(2, 40, 50)).square().mean().backward()
    still = [name for name, weight in network.named_parameters() if not weight.grad.any()]
    assert still == []
