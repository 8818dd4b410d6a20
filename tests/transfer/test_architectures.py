"""Architectures of G: the paper's to the parameter, shapes, costs, and options that are refused."""

import pytest
import torch

from atdt.errors import NetworkError
from atdt.transfer.architectures import ARCHITECTURES, build_body
from atdt.transfer.cost import cost
from atdt.transfer.learner import Learner
from atdt.transfer.network import Standard, build_transfer

DEEPEST = (2048, 32, 32)


def build(name, source, target=None, **options):
    with torch.device("meta"):
        return build_transfer(name, options, source, target or source)


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [
        (2048, 226_504_704),
        (1024, 188_754_944),
        (512, 169_880_064),
        (256, 160_442_624),
        (64, 153_364_544),
    ],
)
def test_the_papers_g_has_the_papers_parameters(channels, parameters):
    network = build("paper", (channels, 32, 32))
    assert cost(network, (channels, 32, 32)).parameters == parameters


def test_the_papers_g_costs_what_the_paper_s_costs():
    assert cost(build("paper", DEEPEST), DEEPEST).macs == 108_716_359_680


def test_the_bottleneck_is_a_thirtieth_of_the_papers():
    found = cost(build("bottleneck", DEEPEST), DEEPEST)
    assert found.macs == 1024 * (2 * 2048 * 256 + 4 * 9 * 256**2)
    assert found.parameters == 2 * 2048 * 256 + 256 + 2048 + 4 * (9 * 256**2 + 256)
    assert 30 < 108_716_359_680 / found.macs < 32


def test_the_follow_ups_g_has_its_parameters_and_its_last_layer_is_a_relu():
    found = cost(build("d4", DEEPEST), DEEPEST)
    assert found.parameters == 113_268_736
    assert found.macs == 1024 * 9 * (2 * 2048 * 1024 + 8 * 1024**2)
    made = build_transfer("d4", {"width": 4}, (3, 6, 8), (5, 6, 8), seed=0)(torch.randn(2, 3, 6, 8))
    assert made.min() == 0 < made.max()


@pytest.mark.parametrize("neighbourhood", [1, 3])
def test_a_residual_g_starts_as_its_linear_map(neighbourhood):
    body, _ = build_body("residual", 4, 3, {"neighbourhood": neighbourhood, "norm": "instance"})
    features = torch.randn(2, 4, 5, 7)
    assert torch.equal(body(features), body.linear(features))


@pytest.mark.parametrize("name", ["bottleneck", "depthwise", "attention", "unet"])
@pytest.mark.parametrize("norm", ["none", "batch", "group", "instance"])
def test_every_norm_can_be_had_and_learns(name, norm):
    torch.manual_seed(0)
    body, _ = build_body(name, 4, 3, {"width": 32, "blocks": 1, "norm": norm})
    norms = [m for m in body.modules() if "Norm" in type(m).__name__]
    assert len(norms) > (name == "attention") or norm == "none"
    body(torch.randn(2, 4, 8, 8)).square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in body.parameters())


def reach(name, **options):
    """How many of the outputs' locations one input location is seen from."""
    torch.manual_seed(0)
    body, _ = build_body(name, 4, 4, {"width": 8, "blocks": 1} | options)
    for parameter in body.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    features = torch.randn(1, 4, 16, 16)
    other = features.clone()
    other[0, :, 8, 8] += 1
    return int((body(features) != body(other)).any(dim=1).sum())


def test_locations_see_as_far_as_they_should():
    assert reach("bottleneck") == 5 * 5
    assert reach("depthwise") == 7 * 7
    assert reach("depthwise", kernel=3) == 3 * 3
    assert reach("attention") == 16 * 16
    assert reach("unet") > 11 * 11


def test_linear_is_one_matrix_and_a_bias():
    assert cost(build("linear", (6, 3, 5), (4, 3, 5)), (6, 3, 5)).parameters == 6 * 4 + 4


def test_identity_gives_what_it_is_given_or_its_moments_and_can_be_trained():
    with pytest.raises(NetworkError, match=r"identity: E1 has 6 channels and E2 4"):
        build("identity", (6, 3, 5), (4, 3, 5))
    features = torch.randn(2, 3, 4, 5)
    plain = build_transfer("identity", {}, (3, 4, 5), (3, 4, 5))
    assert torch.equal(plain(features), features)
    source = Standard(torch.tensor([1.0, 2, 3]), torch.tensor([1.0, 2, 4]))
    target = Standard(torch.tensor([0.0, 5, 5]), torch.tensor([3.0, 1, 1]))
    moved = build_transfer("identity", {"standardise": True}, (3, 4, 5), (3, 4, 5), source, target)
    expected = (features[:, 2] - 3) / 4 + 5
    assert torch.allclose(moved(features)[:, 2], expected, atol=1e-5)
    learner = Learner(
        plain, {"mse": 1.0}, steps=2, learning_rate=1e-3, schedule="polynomial",
        device=torch.device("cpu"), precision="float32",
    )  # fmt: skip
    batch = {"source": features, "target": features + 2}
    assert [learner.learn(step, batch).item() for step in range(2)] == pytest.approx([4, 4])
    assert cost(plain, (3, 4, 5)).parameters == 0


def test_the_papers_layers_are_elu_to_the_last_and_of_the_targets_channels():
    body, standardise = build_body("paper", 5, 7, {"width": 3})
    kinds = [type(layer).__name__ for layer in body.layers]
    pair = ["Conv2d", "ELU"]
    assert kinds == [*pair, *pair, "Upsample", *pair, *pair, "Upsample", *pair, *pair]
    assert [layer.stride for layer in body.layers if hasattr(layer, "stride")] == [
        (2, 2),
        (2, 2),
        *[(1, 1)] * 4,
    ]
    assert not standardise
    made = body(torch.randn(2, 5, 8, 12) * 100)
    assert made.shape == (2, 7, 8, 12)
    assert made.min() >= -1


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("side", [(8, 12), (5, 7), (1, 1)])
def test_every_architecture_maps_any_size_to_the_targets_channels_and_size(name, side):
    options = {"width": 8} if "width" in ARCHITECTURES[name].options else {}
    channels = 4 if ARCHITECTURES[name].same_channels else 3
    network = build_transfer(name, options, (4, *side), (channels, *side), seed=0)
    assert network(torch.randn(2, 4, *side)).shape == (2, channels, *side)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "identity"])
def test_a_seed_makes_the_same_weights_and_leaves_the_callers_draws_alone(name):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    options = {"width": 8} if "width" in ARCHITECTURES[name].options else {}
    one, two, other = (
        build_transfer(name, options, (4, 4, 4), (3, 4, 4), seed=seed).state_dict()
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_sides_that_differ_are_met_by_resizing_in_proportion():
    network = build_transfer("linear", {}, (4, 6, 8), (3, 12, 4), seed=0)
    features = torch.randn(1, 4, 6, 8)
    assert network(features).shape == (1, 3, 12, 4)
    assert network(torch.randn(1, 4, 9, 16)).shape == (1, 3, 18, 8)
    assert network(features, size=(5, 5)).shape == (1, 3, 5, 5)


def test_standard_features_go_in_and_the_targets_units_come_out():
    source = Standard(torch.tensor([1.0, -2.0]), torch.tensor([2.0, 0.5]))
    target = Standard(torch.tensor([10.0]), torch.tensor([4.0]))
    network = build_transfer("linear", {}, (2, 1, 1), (1, 1, 1), source, target, seed=0)
    features = torch.tensor([3.0, -1.0]).reshape(1, 2, 1, 1)  # standard: 1 and 2
    weight, bias = network.body.weight.flatten(), network.body.bias
    expected = (weight[0] * 1 + weight[1] * 2 + bias) * 4 + 10
    torch.testing.assert_close(network(features).flatten(), expected)


def test_the_papers_g_takes_features_as_they_are_unless_told_otherwise():
    standard = Standard(torch.tensor([1.0]), torch.tensor([2.0]))
    plain = build_transfer("paper", {"width": 2}, (1, 4, 4), (1, 4, 4), standard, standard)
    asked = build_transfer(
        "paper", {"width": 2, "standardise": True}, (1, 4, 4), (1, 4, 4), standard, standard
    )
    assert plain.source_mean is None
    assert asked.source_mean.flatten().tolist() == [1.0]


def test_a_dead_channel_does_not_explode():
    standard = Standard.of({"mean": [1.0, 5.0], "variance": [4.0, 0.0]})
    assert standard.mean.tolist() == [1.0, 5.0]
    assert standard.scale[0] == 2
    assert standard.scale[1] == pytest.approx(1e-3 * 2**0.5)
    assert Standard.of({"mean": [0.0], "variance": [0.0]}).scale.tolist() == pytest.approx([1e-3])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "nothing",
            {},
            "choose one of attention, bottleneck, d4, depthwise, identity, linear, paper",
        ),
        ("linear", {"width": 3}, "--option width=3: 'linear' has no such option"),
        ("bottleneck", {"depth": 3}, r"it has width \(None\), blocks \(2\)"),
        ("bottleneck", {"width": 0}, r"`width` \(=0\) must be at least 1"),
        ("bottleneck", {"blocks": -1}, r"`blocks` \(=-1\)"),
        ("bottleneck", {"activation": "sin"}, "must be one of elu, gelu, relu"),
        ("paper", {"width": -2}, r"`width` \(=-2\)"),
        ("paper", {"standardise": 3}, "must be true or false"),
        ("bottleneck", {"norm": "layer"}, "norm=layer: choose one of batch, group"),
        ("residual", {"neighbourhood": 2}, r"`neighbourhood` \(=2\) must be 1 or 3"),
        ("ridge", {"alpha": 0}, r"`alpha` \(=0\) must be a number above 0"),
        ("ridge", {"alpha": float("nan")}, r"`alpha` \(=nan\)"),
        ("depthwise", {"kernel": 4}, r"`kernel` \(=4\) must be odd"),
        ("depthwise", {"expand": 0}, r"`expand` \(=0\)"),
        ("attention", {"width": 6}, r"`heads` \(=4\) must divide `width` \(=6\)"),
        ("unet", {"blocks": 10**9}, r"`blocks` \(=1000000000\)"),
        ("d4", {"width": 0}, r"`width` \(=0\)"),
        ("bottleneck", {"width": "x"}, "--option width=x: must be a whole number"),
        ("bottleneck", {"blocks": None}, "--option blocks=None: must be a whole number"),
        ("unet", {"blocks": True}, "--option blocks=True: must be a whole number"),
        ("attention", {"heads": 2.0}, r"--option heads=2\.0: must be a whole number"),
        ("ridge", {"alpha": "x"}, "--option alpha=x: must be a number"),
        ("depthwise", {"norm": 1}, "--option norm=1: must be a word"),
    ],
)
def test_a_wrong_option_is_named(name, options, message):
    with pytest.raises(NetworkError, match=message):
        build_body(name, 2, 2, options)


def test_what_a_body_was_built_with_is_recorded():
    assert build_body("bottleneck", 4, 6, {})[0].options == {
        "width": 6,
        "blocks": 2,
        "activation": "elu",
        "norm": "none",
    }
    assert build_body("bottleneck", 4, 2048, {})[0].options["width"] == 256
