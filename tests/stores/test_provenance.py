from atdt.stores import differences
from atdt.stores.provenance import GRID, identity_fields


def test_no_difference(kit):
    assert differences(kit.provenance, dict(kit.provenance)) == []
    tuples = kit.provenance | {"preprocessing": {"mean": (0.5,) * 3, "std": (0.2,) * 3}}
    assert differences(kit.provenance, tuples) == []


def test_each_difference_is_a_line_that_starts_with_its_word(kit):
    wanted = kit.provenance | {
        "encoder_sha256": "cd" * 32,
        "level": "level2",
        "preprocessing": {"mean": [0.5, 0.5, 0.5], "std": [1, 1, 1], "range": 255},
        "device": "cuda",
    }
    assert differences(kit.provenance, wanted) == [
        "encoder: store has abababababab…, run has cdcdcdcdcdcd…",
        "level: store has level4, run has level2",
        "preprocessing.std: store has [0.2, 0.2, 0.2], run has [1, 1, 1]",
        "preprocessing.range: store has nothing, run has 255",
    ]
    assert differences(kit.provenance, wanted, GRID) == ["device: store has cpu, run has cuda"]


def test_what_is_absent_differs_from_what_is_there(kit):
    assert len(differences({}, kit.provenance)) == 3
    assert len(differences(kit.provenance, {})) == 3


def test_notes_and_the_grid_are_no_part_of_an_arrays_identity(kit):
    notes = {"created": "x", "command": "y", "versions": {}, "run": "z"}
    fields = identity_fields(kit.provenance, notes)
    assert fields == ["task", "network", "encoder_sha256", "level", "preprocessing"]
