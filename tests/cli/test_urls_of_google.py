"""From images to predictions on gs:// URLs: what is made there is what is made on a disk."""

import pytest
from click.testing import CliRunner

from atdt import objects
from atdt.cli import main
from atdt.places import place
from atdt.stores import FeatureWriter
from tests.made_ground import make_ground
from tests.made_kills import dying_after
from tests.made_objects import upload

TRAIN = ["--from=depth", "--to=semantic", "--width=8", "--steps=4", "--batch=4", "--device=cpu"]


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def content(url: str) -> dict[str, bytes]:
    return {name: objects.get(place(url) / name) for name in objects.below(place(url))}


def test_extract_killed_and_resumed_train_decode_inspect_verify(gs, gs_bucket, tmp_path):
    ground = make_ground(tmp_path)
    domain = upload(tmp_path / "a", f"{gs_bucket}/a")
    n1, n2 = (upload(run, f"{gs_bucket}/{run.name}") for run in (ground.n1, ground.n2))
    out = f"{gs_bucket}/a.zarr"
    extract = ["extract", f"{domain}:train", f"--encoder={n1}", f"--encoder={n2}", f"--out={out}"]
    extract += ["--views=3", "--seed=5", "--samples-per-shard=7", "--labels=semantic"]
    extract += ["--device=cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            FeatureWriter, "commit", dying_after(5, KeyboardInterrupt)(FeatureWriter.commit)
        )
        run(*extract, code=130)
    assert any("/commits/" in name for name in objects.below(place(out)))
    run(*extract, "--resume")
    shards = {n: data for n, data in content(out).items() if "/c/" in n}
    for name, data in shards.items():
        assert data == (ground.store / name).read_bytes(), name
    left = objects.below(place(out))
    assert not [name for name in left if "lock" in name or "commits" in name or "partial" in name]
    run("verify", out)
    assert out in run("inspect", out)
    g = f"{gs_bucket}/g"
    run("train", out, *TRAIN, f"--out={g}", f"--target-run={n2}")
    run("train", str(ground.store), *TRAIN, f"--out={tmp_path / 'g'}", f"--target-run={ground.n2}")
    weights = objects.get(place(g) / "weights.safetensors")
    assert weights == (tmp_path / "g/weights.safetensors").read_bytes()
    for at, d, g_run, e, n in (
        (gs_bucket, domain, g, n1, n2),
        (tmp_path, tmp_path / "a", tmp_path / "g", ground.n1, ground.n2),
    ):
        given = [f"--domain={d}:train", f"--encoder={e}", f"--decoder={n}", f"--out={at}/p"]
        run("decode", str(g_run), *given, "--device=cpu")
    predicted = {n: data for n, data in content(f"{gs_bucket}/p").items() if n.endswith(".png")}
    assert len(predicted) == 12
    for name, data in predicted.items():
        assert data == (tmp_path / "p" / name).read_bytes(), name
