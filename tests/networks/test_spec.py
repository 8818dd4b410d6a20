"""What a run remembers of a network."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atdt.errors import NetworkError
from atdt.networks import NetworkSpec

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(st.text(), st.dictionaries(st.text(), VALUES))
def test_a_spec_survives_json(name, options):
    spec = NetworkSpec(name, options)
    assert NetworkSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_options_may_be_left_out():
    assert NetworkSpec.from_dict({"name": "tiny"}) == NetworkSpec("tiny")


@pytest.mark.parametrize(
    "described", [{}, {"name": 3}, {"name": "tiny", "options": ["norm"]}, {"options": {}}]
)
def test_what_is_no_description_is_refused(described):
    with pytest.raises(NetworkError, match="does not describe a network"):
        NetworkSpec.from_dict(described)


def test_options_are_plain_values():
    with pytest.raises(NetworkError, match=r"'tiny': option width=\[1\]"):
        NetworkSpec.from_dict({"name": "tiny", "options": {"width": [1]}})


def test_initial_weights_are_left_behind():
    spec = NetworkSpec("resnet50", {"weights": "gone.pth", "output_stride": 8})
    assert spec.without_initial_weights() == NetworkSpec("resnet50", {"output_stride": 8})
    assert spec.options["weights"] == "gone.pth"
