"""Verbs that read and write stores and runs do in a bucket what they do on a disk."""

from pathlib import Path

import numpy as np
import pytest
import torch

from atdt import objects, places
from atdt.decode import Prediction, predict
from atdt.domains import open_domain
from atdt.export import torch_file
from atdt.extract import Extraction, extract
from atdt.predictions import open_predictions
from atdt.runs import open_run
from atdt.tasks import get_task
from atdt.transfer.trainee import Trainee
from benchmarks.s3 import BUCKET
from tests.made_agreement import make_agreement, write_domain
from tests.made_kills import dying_after
from tests.made_objects import upload
from tests.made_sides import Sides

# In which the same result differs from itself; "feed" says how much memory was free.
VARYING = ("seconds", "provenance", "feed")
GRID = "steps = 4\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = [4, 8]\nseed = [0, 1]\n"
SPACE = (
    'name = "own"\nclasses = ["a", "b", "c", "d"]\n'
    "colours = [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]]\n"
)
G = "AT/sweep/semantic-to-depth/bottleneck-width8-s0"
SWEEP = [
    "sweep", "AT/a.zarr", "--grid=AT/grid.toml", "--from=semantic", "--to=depth",
    "--target-run=depth=AT/n2", "--out=AT/sweep", "--cuts=0.5", "--device=cpu", "--workers=1",
]  # fmt: skip
SCORED = ["--b=AT/a.zarr", "--rehearsal=AT/twin.zarr", "--cross-task=AT/r"]


def told_elsewhere(file: str) -> bool:
    """Times, and what a .json beside it says."""
    return file.endswith((".html", ".toml")) or file.startswith("leaderboard.")


@pytest.fixture(scope="module")
def both(s3_session, tmp_path_factory) -> Sides:
    ground = make_agreement(tmp_path_factory.mktemp("all"))
    folder, labels = ground.folder, ("semantic", "depth")
    twin = write_domain(folder / "twin", 10)
    encoders = ((None, ground.n1),)
    extract(Extraction(twin, encoders, folder / "twin.zarr", labels=labels, device="cpu"))
    (folder / "grid.toml").write_text(GRID)
    (folder / "space.toml").write_text(SPACE)
    (folder / "pre.toml").write_text("mean = [0.4, 0.5, 0.6]\nstd = [0.2, 0.2, 0.3]\n")
    torch.save(open_run(folder / "n1").weights(), folder / "n1.pth")
    n2, domain = folder / "n2", f"{folder / 'b'}:train"
    predict(Prediction(run=n2, domain=domain, out=folder / "p", device="cpu"))
    url = upload(folder, f"s3://{BUCKET}/{folder.parent.name}-{folder.name}")
    before = places.storage_options()
    yield Sides(folder, url, VARYING, told_elsewhere)
    places.use_storage_options(before)


@pytest.fixture(scope="module")
def swept(both) -> None:
    """A sweep on the disk, and one in the bucket that was killed and gone on with."""
    both.at(both.here, *SWEEP, *SCORED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainee, "step", dying_after(10, KeyboardInterrupt)(Trainee.step))
        both.at(both.away, *SWEEP, code=130)
    both.at(both.away, *SWEEP, *SCORED, "--resume")


def test_sweep_and_rank_scores(both, swept):
    files = both.compare("sweep")
    assert {"sweep.json", "leaderboard.md", "leaderboard.json", "leaderboard.html"} <= files.keys()
    assert f"{G.removeprefix('AT/sweep/')}/weights.safetensors" in files
    recorded = open_run(both.away + G.removeprefix("AT")).info["provenance"]["command"]
    assert recorded.endswith("--storage-options=… --storage-options=…")
    both.run("rank-scores", "AT/sweep", "--bootstrap=10", "--out=AT/ranked")
    assert {"ranking.md", "ranking.json"} <= both.compare("ranked").keys()
    assert "no such file" in both.refused("rank-scores", "AT/b", "--out=AT/ranked")


def test_train_cross_task(both):
    both.run(
        "train-cross-task", "AT/a.zarr", "--from=depth", "--to=semantic", "--source-run=AT/n2",
        "--steps=2", "--batch=4", "--device=cpu", "--out=AT/r2",
    )  # fmt: skip
    assert both.compare("r2").keys() == {"run.json", "weights.safetensors", "curves.csv"}


def test_consistency_of_gs_and_of_predictions(both, swept):
    given = ["consistency", G, "--cross-task=AT/r", "--store=AT/b.zarr", "--decoder=AT/n2"]
    given += ["--device=cpu", "--out=AT/c"]
    both.run(*given, "--maps")
    assert len(both.compare("c")) == 1 + 7
    assert "--overwrite replaces it" in both.refused(*given)
    both.at(both.away, *given, "--overwrite")
    left = objects.below(both.there("c"))
    assert set(left) == {"consistency.json"}
    given = ["consistency", "AT/p", "--cross-task=AT/r", "--domain=AT/b:train"]
    both.run(*given, "--device=cpu", "--out=AT/c2")
    both.compare("c2")


def test_diagnose_scores_predictions_by_r(both):
    both.run(
        "diagnose", "AT/a.zarr", "AT/b.zarr", "--from=semantic", "--to=depth", "--out=AT/d",
        "--target-run=AT/n2", "--cross-task=AT/r", "--predictions=AT/p", "--device=cpu",
    )  # fmt: skip
    assert both.compare("d").keys() == {"channels.csv", "diagnosis.json", "index.html"}


def test_embed_shows_images_that_lie_in_the_bucket(both):
    given = ["extract", "AT/b:train", "--encoder=AT/n1", "--views=1", "--device=cpu"]
    both.run(*given, "--out=AT/e.zarr")
    both.run("embed", "AT/e.zarr", "--array=semantic", "--out=AT/e")
    assert "sprites.png" in both.compare("e")
    assert "holds files" in both.refused("embed", "AT/e.zarr", "--array=semantic", "--out=AT/e")


@pytest.mark.parametrize("weights", ["n1/weights.safetensors", "n1.pth"])
def test_import(both, weights):
    given = ["import", "--network=tiny", "--task=semantic", "--label-space=AT/space.toml"]
    given += ["--preprocessing=AT/pre.toml", "--unscored", "--device=cpu"]
    given += [f"--out=AT/of-{Path(weights).name}"]
    both.run(*given, f"--weights=AT/{weights}")
    both.compare(f"of-{Path(weights).name}")
    assert "AT/none.pth: no such file" in both.refused(*given, "--weights=AT/none.pth")


def test_adapt_bn(both, swept):
    given = ["--domain=AT/b:train", "--batch=4", "--device=cpu"]
    both.run("adapt-bn", "AT/n2", *given, "--out=AT/n2-bn")
    both.compare("n2-bn")
    both.run("adapt-bn", "AT/n2", f"--transfer={G}", "--encoder=AT/n1", *given, "--out=AT/d2-bn")
    both.compare("d2-bn")


def test_export(both, swept, monkeypatch, tmp_path):
    """Not done on the disk too, which takes as long: there a file is proved to be `decode`'s."""
    monkeypatch.setattr("atdt.export.exporting._time", lambda *_: None)
    networks = [G, "--encoder=AT/n1", "--decoder=AT/n2", "--device=cpu"]
    both.at(both.here, "decode", *networks, "--domain=AT/b:train", "--out=AT/decoded")
    given = ["export", *networks, "--baseline=AT/n2", "--on=AT/b:train", "--out=AT/g.pt2"]
    assert both.at(both.away, *given) == "AT/g.pt2"
    file = tmp_path / "g.pt2"
    file.write_bytes(both.get("g.pt2"))
    domain, made = open_domain(f"{both.here}/b:train"), open_predictions(both.here / "decoded")
    images = torch.stack([torch.from_numpy(domain.image(k)) for k in range(len(domain))])
    found = torch_file.load(file)(images.permute(0, 3, 1, 2).contiguous()).numpy()
    metres = np.stack([made.read(image, get_task("depth")) for image in made.images])
    assert np.ptp(metres) > 0.01 and np.allclose(found, metres, rtol=1e-5)
    assert "--overwrite replaces it" in both.at(both.away, *given, code=2)


def test_what_train_task_learns_from_besides_labels(both):
    given = ["train-task", "--task=depth", "--train=AT/a:train", "--steps=2", "--batch=2"]
    given += ["--device=cpu", "--out=AT/n3"]
    both.run(
        *given, "--pseudo=AT/b:train=AT/p", "--consistency=AT/r",
        "--consistency-train=AT/b:train", "--consistency-weight=0.01",
    )  # fmt: skip
    both.compare("n3")
    taken = ["--auxiliary=edges", "--auxiliary-train=AT/a:train", "--auxiliary-decoder=AT/n1"]
    assert "AT/n1: keeps no decoder for edges" in both.refused(*given, "--overwrite", *taken)
