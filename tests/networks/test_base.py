"""Cutting a network: to the bit at every level and at any size, and what is padded and cropped."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import pad

from atdt.errors import NetworkError
from atdt.networks import TaskNetwork


@pytest.mark.parametrize("training", [False, True])
def test_decoding_what_was_encoded_is_the_network_to_the_bit(network, images, training):
    network.train(training)
    size = (35, 51)  # no multiple of any stride
    batch = images(2, *size)
    with torch.no_grad():
        whole = network(batch)
        assert whole.shape == (2, 5, *size)
        # All are decoded at the end: no stage may have changed in place what it was given.
        chained = network.encode_levels(batch, network.levels)
        assert tuple(chained) == network.levels
        for level, features in chained.items():
            assert torch.equal(network.encode(batch, level), features)
            assert torch.equal(network.decode(features, level, size), whole), level


def test_the_deepest_level_is_the_default(toy, images):
    network, batch = toy().eval(), images(1, 8, 8)
    features = network.encode(batch)
    assert torch.equal(features, network.encode(batch, "level3"))
    assert torch.equal(network.decode(features), network.decode(features, "level3"))
    assert not torch.equal(features, network.encode(batch, "level2"))


def test_feature_shapes_are_those_of_features(network, images):
    size = (64, 33)
    with torch.no_grad():
        found = network.eval().encode_levels(images(1, *size), network.levels)
    for level, features in found.items():
        assert network.feature_shape(level, size) == features.shape[1:]


def test_feature_shapes_leave_the_statistics_alone(toy):
    network = toy().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert network.feature_shape(None, (16, 20)) == (4, 8, 10)
    assert network.feature_shape("level0", (15, 19)) == (4, 8, 10)
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())


def test_feature_shapes_say_which_stage_cannot_be_run(toy):
    network = toy()
    network.stages[2] = nn.Conv2d(7, 4, 1)
    with pytest.raises(NetworkError, match=r"level2 of a 16x16 image: .*channel"):
        network.feature_shape("level3", (16, 16))


def test_one_forward_serves_several_levels_and_ends_at_the_deepest_of_them(toy, images):
    network = toy(stages=5)
    calls = []
    for index, stage in enumerate(network.stages):
        stage.register_forward_hook(lambda *_, index=index: calls.append(index))
    found = network.encode_levels(images(1, 8, 8), ["level3", "level1"])
    assert list(found) == ["level3", "level1"]
    assert calls == [0, 1, 2, 3]
    assert network.encode_levels(images(1, 8, 8), []) == {}


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), stride=st.sampled_from([1, 3, 8, 32]))
def test_images_are_padded_by_their_last_row_and_column(toy, images, height, width, stride):
    network, batch = toy(stride=stride).eval(), images(1, height, width)
    padded = pad(batch, (0, -width % stride, 0, -height % stride), mode="replicate")
    assert network.padded((height, width)) == padded.shape[-2:]
    with torch.no_grad():
        assert torch.equal(network.encode(batch), network.encode(padded))
        assert torch.equal(network(batch), network(padded)[..., :height, :width])
        assert network.decode(network.encode(batch)).shape[-2:] == padded.shape[-2:]


def test_features_of_smaller_images_are_refused(toy, images):
    network = toy(stride=8)
    features = network.encode(images(1, 16, 24))
    assert network.decode(features, size=(9, 24)).shape[-2:] == (9, 24)
    with pytest.raises(NetworkError, match="decode to 16x24, less than the 17x24 asked for"):
        network.decode(features, size=(17, 24))


def test_an_unknown_level_is_refused_with_those_there_are(toy, images):
    network = toy()
    for use in (
        lambda: network.encode(images(1, 8, 8), "level4"),
        lambda: network.decode(torch.zeros(1, 4, 4, 4), "level4"),
        lambda: network.feature_shape("level4", (8, 8)),
        lambda: network.weights_digest("encoder", "level4"),
    ):
        with pytest.raises(NetworkError, match=r"level4: this network has level0, .*, level3"):
            use()


def test_images_are_normalised_before_the_first_stage(toy, images):
    network, batch = toy().eval(), images(2, 8, 8)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    normal = (batch - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    expected = network(normal)
    keys = list(network.state_dict())
    network.mean, network.std = mean, std
    assert torch.allclose(network(batch), expected, atol=1e-6)
    assert (network.mean, network.std) == (mean, std)
    assert list(network.state_dict()) == keys
    network.double()
    assert network(batch.double()).dtype == torch.float64
    network.mean = (0, 0, 0)
    assert network.mean == (0.0, 0.0, 0.0)


def test_preprocessing_set_on_another_device_stays_there(toy):
    network = toy().to("meta")
    network.mean = (0.1, 0.2, 0.3)
    assert network(torch.empty(1, 3, 8, 8, device="meta")).shape == (1, 3, 8, 8)


def test_a_network_of_three_levels_is_refused(toy):
    with pytest.raises(NetworkError, match=r"at least 4 stages.* has 3"):
        toy(stages=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mean": (0.5, 0.5)}, "mean .*three numbers"),
        ({"std": (1.0,) * 4}, "std .*three numbers"),
        ({"std": (1.0, 0.0, 1.0)}, "std .*above 0"),
        ({"stride": 0}, "stride 0: must be a whole number"),
        ({"stride": 2.0}, "stride 2.0: must be a whole number"),
    ],
)
def test_preprocessing_and_stride_that_cannot_be_are_refused(options, message):
    with pytest.raises(NetworkError, match=message):
        TaskNetwork([nn.Identity()] * 4, nn.Identity(), **{"stride": 1} | options)


@pytest.mark.parametrize("level", ["level0", "level2", None])
def test_a_part_works_without_the_other(toy, images, level):
    whole, encoder, decoder = (toy().eval() for _ in range(3))
    for part in (encoder, decoder):
        part.load_state_dict(whole.state_dict())
    encoder.drop("decoder", level)
    decoder.drop("encoder", level)
    kept = [name for part in (encoder, decoder) for name in part.state_dict()]
    assert sorted(kept) == sorted(whole.state_dict())
    batch = images(2, 9, 8)
    output = decoder.decode(encoder.encode(batch, level), level, (9, 8))
    assert torch.equal(output, whole(batch))


def test_a_part_is_of_a_level_that_is_there(toy):
    with pytest.raises(NetworkError, match="--level level7"):
        toy().drop("encoder", "level7")
