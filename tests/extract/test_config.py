"""What an extraction is refused for before it makes a store."""

import pytest

from atdt.errors import UserError
from atdt.extract import extract


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resume": True, "overwrite": ("depth",)}, "exclude each other"),
        ({"overwrite": ("normals",)}, "--overwrite normals: is not extracted by this command"),
        ({"encoders": (), "labels": ()}, "nothing to extract"),
        ({"batch": 0}, "--batch 0"),
        ({"samples_per_shard": 0}, "--samples-per-shard 0"),
        ({"dtype": "float64"}, "--dtype float64: choose one of float16, float32"),
        ({"compressor": "gzip"}, "--compressor gzip"),
        ({"labels": ("edges",)}, "--labels edges: choose one of"),
        ({"levels": ("level99",)}, "--level level99: .* has level0, level1"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_store(config, changes, message):
    chosen = config(**changes)
    with pytest.raises(UserError, match=message) as refusal:
        extract(chosen)
    assert "\n" not in str(refusal.value)
    assert not chosen.out.exists()


def test_two_encoders_of_one_name_are_refused_with_advice(config, networks):
    twice = ((None, networks["n1"]), (None, networks["other"]))
    with pytest.raises(UserError, match=r"both called 'depth'; .* --encoder depth_2=.*other"):
        extract(config(encoders=twice))
    with pytest.raises(UserError, match="the name must match"):
        extract(config(encoders=(("E1", networks["n1"]),)))
