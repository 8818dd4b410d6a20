"""Graphs of modules: what can be traced, and how nodes and outputs are found."""

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from atdt.errors import NetworkError
from atdt.networks.graphs import find_node, find_output, image_of, image_shape, label_of, traced


class Returns(nn.Module):
    """Hands its image, halved, to a function and returns what that makes."""

    def __init__(self, make):
        super().__init__()
        self.halve = nn.AvgPool2d(2)
        self.make = make

    def forward(self, image, factor=2.0):
        return self.make(self.halve(image) * factor)


def test_a_module_s_name_stands_for_what_it_returns():
    graph = traced(nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()), nn.Tanh()))
    assert find_node(graph, "0").target == "0.1"
    assert find_node(graph, "0.0").target == "0.0"


def test_functions_are_found_by_their_node():
    graph = traced(Returns(lambda x: x))
    assert label_of(find_node(graph, "mul")) == "'mul'"
    assert label_of(find_node(graph, "halve")) == "'halve'"
    assert label_of(image_of(graph)) == "the image 'image'"


def test_an_unknown_node_is_refused_with_similar_ones():
    graph = traced(nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()), nn.Tanh()))
    with pytest.raises(NetworkError, match=r"node '0\.2': not in the graph; near it are .*0\.1"):
        find_node(graph, "0.2")


@pytest.mark.parametrize(
    ("make", "key", "name"),
    [
        (lambda x: x, None, "mul"),
        (lambda x: {"out": x}, None, "mul"),
        (lambda x: {"out": x + 1, "aux": x}, "out", "add"),
        (lambda x: (x + 1, x), 1, "mul"),
        (lambda x: [x], None, "mul"),
    ],
)
def test_an_output_is_picked(make, key, name):
    assert find_output(traced(Returns(make)), key).name == name


@pytest.mark.parametrize(
    ("make", "key", "message"),
    [
        (
            lambda x: {"out": x, "aux": x},
            None,
            r"returns \['out', 'aux'\]: choose one with output=",
        ),
        (lambda x: {"out": x}, "main", r"output 'main': the module returns \['out'\]"),
        (lambda x: (x, x), 2, r"output 2: the module returns \[0, 1\]"),
        (lambda x: x, "out", "output 'out': the module returns one tensor, without keys"),
    ],
)
def test_an_output_that_cannot_be_picked_is_refused(make, key, message):
    with pytest.raises(NetworkError, match=message):
        find_output(traced(Returns(make)), key)


def test_what_cannot_be_traced_is_refused():
    with pytest.raises(NetworkError, match=r"Returns: torch\.fx cannot trace it \(.*control flow"):
        traced(Returns(lambda x: x if x.sum() > 0 else -x))


def test_a_graph_that_depends_on_the_mode_is_refused_and_the_mode_kept():
    module = Returns(None)
    module.make = lambda x: dropout(x, 0.5, module.training)
    for training in (True, False):
        module.train(training)
        with pytest.raises(NetworkError, match="in training differs"):
            traced(module)
        assert module.training is training
        assert module.halve.training is training


def test_what_takes_more_than_an_image_is_refused():
    with pytest.raises(NetworkError, match="Bilinear: takes input1, input2; only an image"):
        traced(nn.Bilinear(2, 2, 2))


def test_the_image_s_shape_is_computed_from_features():
    features = torch.empty(2, 7, 3, 5)
    assert image_shape(features, 8) == (2, 3, 24, 40)
    assert image_shape(features, 8, -1) == 40
