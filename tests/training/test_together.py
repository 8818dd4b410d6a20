"""A task network trained by several processes: to rounding what one process makes of it."""

import numpy as np
import pytest

from atdt.domains import encodings
from atdt.errors import UserError
from atdt.launch import Launch
from atdt.networks import NetworkSpec
from atdt.ranks import Ranks
from atdt.runs import open_run
from atdt.training import Auxiliary, NormDiscrepancy, Teaching, train_task
from tests.made_ranks import CPU, trained
from tests.run_contents import check_alike, column


@pytest.fixture
def uneven(make_domain, tmp_path):
    """A domain of which every second image has hardly a label: ranks have other numbers of them."""
    folder = make_domain(tmp_path / "uneven", "uneven", counts={"train": 9, "val": 5})
    with (folder / "domain.toml").open("a") as file:
        file.write('255 = "ignore"\n')
    for index in range(0, 9, 2):
        metres, ids = np.zeros((16, 24), np.float32), np.full((16, 24), 255, np.uint8)
        metres[-1, : index // 2], ids[0, : index // 2] = 7, 1
        encodings.write_depth(folder / f"train/depth/{index}.png", metres, "uint16/256")
        encodings.write_png(folder / f"train/semantic/{index}.png", ids)
    return folder


def test_four_processes_train_what_one_does(
    config, uneven, domain_b, write_predictions, tmp_path, monkeypatch
):
    monkeypatch.setattr("atdt.training.loop.LOG_EVERY", 1)
    guesses = write_predictions(
        "semantic",
        lambda size: np.indices(size).sum(axis=0).astype(np.uint8) % 3,
        confidence=lambda size: np.arange(size[0] * size[1]).reshape(size).astype(np.uint8),
    )
    plain = {
        "train": (f"{uneven}:train",),
        "validation": (f"{uneven}:val", f"{domain_b}:val"),
        "batch": 8,
        "steps": 4,
        "validate_every": 2,
    }
    group, instance, batch = (
        NetworkSpec("tiny", {"norm": norm}) for norm in ("group", "instance", "batch")
    )
    configs = {
        "everything": config(
            **plain | {"train": (f"{uneven}:train", f"{domain_b}:train")},
            network=group,
            auxiliary=Auxiliary("depth", (f"{uneven}:train",), weight=0.5),
            norm_discrepancy=NormDiscrepancy(0.1),
            balance=True,
            flip=True,
        ),
        "taught": config(
            **plain,
            network=instance,
            pseudo_labels=((f"{domain_b}:train", guesses),),
            teaching=Teaching("confidence", teacher_decay=0.8, teacher_from=0.5),
        ),
        "batch": config(**plain | {"steps": 2}, network=batch),
    }
    work = []
    for name, one in configs.items():
        work += [
            (train_task, type(one)(**vars(one) | {"out": tmp_path / f"{name}{ranks}"}))
            for ranks in "14"
        ]
    for verb, one in work[::2]:
        verb(one)
    ends = trained(4, work[1::2], tmp_path)
    assert [(code, errors) for code, _, errors in ends] == [(0, "")] * 4
    told, *others = (text for _, text, _ in ends)
    assert others == [""] * 3
    assert told.count("4 ranks, which take 2 of the 8 samples of a batch each") == len(configs)
    assert [line.split()[0] for line in told.splitlines() if "note" in line] == ["batch4"]
    for name in configs.keys() - {"batch"}:
        # Of the teacher's labels, too, rounding may make another class here and there.
        of_weights = 1e-3 if name == "taught" else 1e-5
        check_alike(tmp_path / f"{name}1", tmp_path / f"{name}4", of_weights=of_weights)
        one, four = (open_run(tmp_path / f"{name}{ranks}").info for ranks in "14")
        assert four["chosen"]["step"] == one["chosen"]["step"]
        assert (four["provenance"]["ranks"], "ranks" in one["provenance"]) == (4, False)
    losses = [column(tmp_path / f"batch{ranks}", "loss") for ranks in "14"]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)  # as was said


def test_two_processes_with_four_samples_each_train_what_one_does_with_eight(
    config, uneven, tmp_path, monkeypatch
):
    """Without any norm."""
    monkeypatch.setattr("atdt.training.loop.LOG_EVERY", 1)
    one, two = (
        config(
            train=(f"{uneven}:train",),
            network=NetworkSpec("tiny", {"norm": "none"}),
            batch=8,
            steps=4,
            out=tmp_path / name,
        )
        for name in ("one", "two")
    )
    train_task(one)
    ends = trained(2, [(train_task, two)], tmp_path)
    assert [(code, errors) for code, _, errors in ends] == [(0, "")] * 2
    assert "2 ranks, which take 4 of the 8 samples of a batch each" in ends[0][1]
    check_alike(tmp_path / "one", tmp_path / "two")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 6}, r"--batch 6: is of all 4 ranks together; give a multiple of 4"),
        ({"teaching": Teaching(paste="classes")}, r"--copy-paste classes: .* train by one process"),
        ({"batch": 4, "norm_discrepancy": NormDiscrepancy(1.0)}, r"the 2 pairs .* by 4 ranks"),
    ],
)
def test_what_ranks_cannot_do_alike_is_refused(config, changes, message):
    ranks = Ranks(Launch(1, 4, 1, 4), CPU)
    with pytest.raises(UserError, match=message):
        config(**{"batch": 8} | changes).check_together(ranks)
    config(batch=8).check_together(ranks)
