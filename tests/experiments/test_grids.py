"""Options crossed with methods: who gets what, what is trained once, and what the tables say."""

import json
import re

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.experiments.figures import LABELS
from atdt.experiments.grids import EDGES, NORM_DISCREPANCY
from atdt.experiments.pairs import Place
from atdt.experiments.preset import SMOKE
from atdt.experiments.road import Road
from atdt.experiments.sides import Direction, Outcome, Side
from atdt.experiments.steps import Counted
from atdt.stores import open_store

LEAST = [f"--set={option}=2" for option in ("steps", "transfer_steps", "train", "test")]
METHODS = ("baseline", "two-decoders", "head", "atdt", "oracle")
BASELINE, SHARED, HEAD, ATDT, ORACLE = (LABELS[name] for name in METHODS)


def run(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """`studied(table)`: its output and root; all share a root, and so their trainings."""
    root = tmp_path_factory.mktemp("grids")

    def study(table, *options):
        done = run(
            *(table, "--preset", "smoke", "--seed", 0, "--no-rivals", "--curve", "", *LEAST),
            *("--from", "semantic", "--to", "depth", *options, "--root", root),
        )
        assert done.exit_code == 0, done.output
        return done, root

    return study


def rows(root, table):
    """label -> cells of the first table, as numbers where they are."""
    text = next(root.glob(f"reports/*/{table}-semantic-to-depth/tables.md")).read_text()
    first = text.split("\n\n**")[0]
    found = {}
    for line in first.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and ":" in cells[0] and not cells[0].startswith(":"):
            found[cells[0]] = [_number(cell) for cell in cells[1:]]
    return found


def _number(cell):
    match = re.match(r"[−-]?[\d.]+", cell.strip("*"))
    return float(match[0].replace("−", "-")) if match else None


def config_of(root, name):
    return json.loads(next(root.glob(f"runs/*/seed0/*/{name}/run.json")).read_text())["config"]


def score(root, name, key="focal/abs_rel"):
    (path,) = root.glob(f"predictions/*/seed0/*/{name}/metrics.json")
    return json.loads(path.read_text())["scores"][key]


def test_factors_cross_colours_batch_norm_and_method(studied):
    _, root = studied("factors")
    found = rows(root, "factors")
    adapted = ", batch norm of B"
    assert list(found) == [
        f"{strength} colours{suffix}"
        for strength in ("paper", "strong")
        for suffix in (
            f": {BASELINE}",
            f": {ATDT}",
            f": {ORACLE}",
            f"{adapted}: {BASELINE}",
            f"{adapted}: {ATDT}",
            f"{adapted}: {ATDT} (E1 alone)",
            f"{adapted}: {ATDT} (D2 alone)",
            f"{adapted}: {ORACLE}",
        )
    ]
    for name in ("n1", "n2", "g0"):
        assert "photometric-strong" not in str(config_of(root, name))
    for name in ("n1", "n2", "oracle"):
        assert config_of(root, f"{name}-photometric-strong")["photometric"] == "strong"
    (store,) = root.rglob("a-photometric-strong.zarr")
    assert open_store(store).plan["photometric"] == "strong"
    # What the columns say is what was measured: lower is better, so differences change their sign.
    plain, other = score(root, "baseline"), score(root, "batch-norm-photometric-strong")
    figure, gain, behind, over = found[f"strong colours{adapted}: {BASELINE}"]
    both = score(root, "atdt-batch-norm0-photometric-strong")
    assert figure == pytest.approx(other, abs=6e-4)
    assert gain == pytest.approx(plain - other, abs=6e-4)
    assert behind == pytest.approx(other - both, abs=6e-4)
    assert over == pytest.approx(min(plain, score(root, "atdt0")) - other, abs=6e-4)
    # The oracle knows B's camera, and its N2 has what the baseline's has.
    oracle, of_b = score(root, "oracle", "abs_rel"), score(root, "oracle-batch-norm", "abs_rel")
    assert found[f"paper colours: {ORACLE}"][0] == pytest.approx(oracle, abs=6e-4)
    figure, gain, *_ = found[f"paper colours{adapted}: {ORACLE}"]
    assert (figure, gain) == pytest.approx((of_b, oracle - of_b), abs=6e-4)
    assert found[f"paper colours: {BASELINE}"][1] is None
    assert found[f"paper colours: {ATDT}"][2] is None
    # E1's change was let through, and D2's does not hide it.
    noted = json.loads(next(root.rglob("atdt-batch-norm0/predictions.json")).read_text())
    assert "E1: encoder" in str(noted["mismatch"])
    only_d2 = json.loads(next(root.rglob("atdt-batch-norm-d2-0/predictions.json")).read_text())
    assert only_d2["mismatch"] == []


def test_edges_and_norm_discrepancy_are_given_to_every_method(studied):
    studied("factors")  # whose plain cells it shares, whichever test comes first
    done, root = studied("aux")
    assert "N1 learns semantic on A and B: found" in done.stderr
    found = rows(root, "aux")
    discrepancy = f"norm discrepancy × {NORM_DISCREPANCY:g}"
    settings = ("none of it", "edges, own decoder", "edges, shared decoder")
    both = [discrepancy, *(f"{each}, {discrepancy}" for each in settings[1:])]
    for setting in (*settings, *both):
        for method in (BASELINE, SHARED, HEAD, ATDT, ORACLE):
            assert f"{setting}: {method}" in found
    alone = [label for label in found if "in N1 alone" in label]
    assert alone == [f"{each}: {ATDT} (norm discrepancy in N1 alone)" for each in both[:2]]
    for method in (SHARED, HEAD, ORACLE):  # to which a decoder of N1 is their own
        assert found[f"{settings[1]}: {method}"][:2] == found[f"{settings[2]}: {method}"][:2]
    (n1,) = root.glob("runs/*/seed0/semantic-to-depth/n1-edges-own")
    assert not list(root.rglob("n1-edges-shared"))
    a, b = config_of(root, "n1")["train"]
    shared = config_of(root, "n2-edges-shared")
    assert shared["train"] == [a]
    assert shared["auxiliary"] == {
        "task": "edges", "train": [a, b], "weight": 1.0, "decoder": str(n1), "fine_tune": False,
    }  # fmt: skip
    tasks = [each["task"] for each in config_of(root, "two-decoders-edges-own")["auxiliary"]]
    assert tasks == ["semantic", "edges"]
    own = config_of(root, "oracle-edges-own")
    assert own["train"] == own["auxiliary"]["train"] == [a, b]
    assert own["auxiliary"]["task"] == "edges" and "decoder" not in own["auxiliary"]
    for name in ("n1", "n2", "two-decoders", "oracle"):
        asked = config_of(root, f"{name}-norm-discrepancy-{NORM_DISCREPANCY}")
        assert asked["norm_discrepancy"] == {"weight": NORM_DISCREPANCY, "between": [a, b]}


def test_a_head_has_noise_and_g_has_mixtures_too(studied):
    _, root = studied("noise")
    found = rows(root, "noise")
    assert len(found) == 9 and ORACLE not in str(list(found))
    # Every row is held against the better of baseline and AT/DT without any of it.
    best = min(score(root, "baseline"), score(root, "atdt0"))
    for figure, *_, over in found.values():
        assert over == pytest.approx(best - figure, abs=1.1e-3) or over is None
    assert [over for *_, over in found.values()].count(None) == 1
    assert config_of(root, "g0-feature-noise-0.2-mixup-0.2")["mixup"] == 0.2
    assert config_of(root, "head0-feature-noise-0.2")["feature_noise"] == 0.2
    assert not list(root.rglob("head0*mixup*"))


def test_labels_of_t1_on_b_are_agreed_with_by_every_method(studied):
    done, root = studied("consistency")
    assert "N2 learns depth on A" in done.stderr
    found = rows(root, "consistency")
    assert list(found) == [
        f"{setting}: {method}"
        for setting in ("none of it", "consistency × 0.01")
        for method in (BASELINE, SHARED, HEAD, ATDT, ORACLE)
    ]
    (r,) = root.glob("runs/*/seed0/semantic-to-depth/cross-task")
    _, b = config_of(root, "n1")["train"]
    for name in ("n2", "two-decoders", "oracle"):
        name += "-consistency-0.01"
        assert config_of(root, name)["consistency"] == {"run": str(r), "train": [b], "weight": 0.01}
    (store,) = root.rglob("b-for-r.zarr")
    assert open_store(store).labels() == ["semantic"]
    for name in ("g0-consistency-0.01", "head0-consistency-0.01"):
        asked = config_of(root, name)["consistency"]
        assert asked == {"run": str(r), "b": str(store), "weight": 0.01}
    assert "consistency" not in config_of(root, "g0")
    # What stands behind G, and what N1 is, are the same with it and without.
    run = json.loads(next(root.glob("runs/*/seed0/*/g0-consistency-0.01/run.json")).read_text())
    assert run["config"]["target_run"].endswith("/depth/n2")


def test_other_looks_are_given_to_every_method(studied):
    studied("factors")  # whose plain cells it shares
    done, root = studied("looks")
    assert "N1 learns semantic on A and B: found" in done.stderr
    found = rows(root, "looks")
    settings = ("none of it", "mirrors", "D4's jitter", "A in B's colours")
    assert list(found) == [
        f"{setting}: {method}"
        for setting in settings
        for method in (BASELINE, SHARED, HEAD, ATDT, ORACLE)
    ]
    a, b = config_of(root, "n1")["train"]
    recoloured = re.sub(r"/a:train$", "-colours-moments:train", a)
    assert recoloured != a
    for name in ("n1", "two-decoders", "oracle"):
        assert config_of(root, f"{name}-flip-True")["flip"] is True
        assert config_of(root, f"{name}-photometric-d4")["photometric"] == "d4"
        assert config_of(root, f"{name}-colours-moments")["train"][0] == recoloured
    assert config_of(root, "n1-colours-moments")["train"][1] == b
    assert config_of(root, "n2-colours-moments")["train"] == [recoloured]
    for name, key, value in (("flip-True", "flip", True), ("photometric-d4", "photometric", "d4")):
        assert open_store(next(root.rglob(f"a-{name}.zarr"))).plan[key] == value
    # B's images are tested on as they are.
    noted = json.loads(next(root.rglob("baseline-colours-moments/predictions.json")).read_text())
    assert (
        noted["domain"]
        == json.loads(next(root.rglob("baseline/predictions.json")).read_text())["domain"]
    )


@pytest.mark.parametrize("given", ["colours=moments", "flip=true", "photometric=d4"])
def test_a_preset_that_has_a_look_already_is_refused(tmp_path, given):
    done = run("looks", "--preset", "smoke", "--set", given, "--root", tmp_path)
    assert done.exit_code == 2
    said = given.replace("=", " = ").replace("true", "True")
    assert f"{said}: is what the table looks at, leave it out" in done.stderr
    assert not list(tmp_path.iterdir())


def test_edges_help_no_network_that_learns_edges(tmp_path):
    done = run(
        *("aux", "--preset", "smoke", "--from", "edges", "--to", "depth", "--root", tmp_path)
    )
    assert done.exit_code == 2
    assert "edges = own: a network here learns edges already" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_road_is_its_own_variant_where_nothing_changes(tmp_path):
    side = Side("semantic", "semantic", Place(tmp_path / "a"), Place(tmp_path / "b"))
    direction = Direction(side, side, tmp_path, tmp_path, "x")
    road = Road(direction, SMOKE, Counted(), Outcome())
    same = road.variant(photometric=SMOKE.photometric, edges="none")
    assert (same.preset, same.suffix) == (SMOKE, "")
    other = road.variant(norm_discrepancy=0.5, edges=EDGES[1])
    assert other.suffix == "-norm-discrepancy-0.5-edges-own"
    assert other.preset.edges == "own" and road.preset.edges == "none"
    views = road.variant(flip=True, photometric="d4")
    assert (views.plan.flip, views.plan.photometric) == (True, "d4")
    learnt = views.training("n1", "semantic", ("a:train",), ())
    assert (learnt.flip, learnt.photometric) == (True, "d4")
    assert not road.plan.flip and not road.training("n1", "semantic", ("a:train",), ()).flip
