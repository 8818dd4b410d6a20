"""Figures of one class of pixels at a time."""

import numpy as np
import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains import encodings
from atdt.errors import UserError
from atdt.evaluate import Evaluation, evaluate
from atdt.texts import read_json


def spoilt(domain, *, road: float, sky: float) -> list[np.ndarray]:
    """Depth that is wrong by a factor on each of two classes, and right elsewhere."""
    made = []
    for index in range(len(domain)):
        metres, ids = domain.label(index, "depth"), domain.label(index, "semantic")
        made.append((metres * np.where(ids == 0, road, np.where(ids == 1, sky, 1))).astype("f4"))
    return made


def test_each_class_has_the_figures_of_its_pixels(predict, domain):
    classes = domain.label_space.classes
    folder = predict("m", "depth", spoilt(domain, road=1.5, sky=0.9))
    info = read_json(evaluate(Evaluation(folder, f"{domain.root}:val", by_class=True)))
    found = info["by_class"]
    assert list(found) == list(classes[:3])
    errors = [found[name]["method"]["scores"]["abs_rel"] for name in classes[:3]]
    assert errors == pytest.approx([0.5, 0.1, 0], abs=1e-3)
    for number, name in enumerate(list(classes)[:3]):
        there = [
            (domain.label(index, "semantic") == number) & (domain.label(index, "depth") > 0)
            for index in range(len(domain))
        ]
        assert found[name]["pixels"] == np.sum(there)
        assert "gap_closed" not in found[name]
    whole = read_json(evaluate(Evaluation(folder, f"{domain.root}:val")))
    assert {key: info[key] for key in ("scores", "intervals")} == {
        key: whole[key] for key in ("scores", "intervals")
    }
    assert "by_class" not in whole


def test_gap_closed_of_each_class_is_paired_and_scaled_like_the_whole(predict, domain):
    told = {"method": {"training_focal": 96.0}}  # the domain has 120
    method = predict("m", "depth", spoilt(domain, road=1.2 / 1.25, sky=1 / 1.25), **told)
    baseline = predict("b", "depth", spoilt(domain, road=1.6 / 1.25, sky=1 / 1.25), **told)
    oracle = predict("o", "depth", spoilt(domain, road=1.1, sky=1.0))
    options = {"baseline": baseline, "oracle": oracle, "by_class": True}
    info = read_json(evaluate(Evaluation(method, f"{domain.root}:val", **options)))
    road, sky, *_ = info["by_class"].values()
    assert road["method"]["scores"]["focal/abs_rel"] == pytest.approx(0.2, abs=1e-3)
    gap = road["gap_closed"]["focal/abs_rel"]
    assert gap["value"] == pytest.approx((0.6 - 0.2) / (0.6 - 0.1), abs=1e-2)
    assert gap["interval"][0] <= gap["value"] <= gap["interval"][1]
    assert sky["oracle"]["scores"]["abs_rel"] == pytest.approx(0, abs=1e-3)


def test_normals_have_classes_too(predict, domain):
    truths = [domain.label(index, "normals") for index in range(len(domain))]
    folder = predict("m", "normals", truths)
    info = read_json(evaluate(Evaluation(folder, f"{domain.root}:val", by_class=True)))
    assert len(info["by_class"]) == 4
    angles = [each["method"]["scores"]["mean"] for each in info["by_class"].values()]
    assert angles == pytest.approx([0] * 4, abs=0.1)


def test_semantics_have_them_already(predict, noisy, domain):
    folder = predict("m", "semantic", noisy("semantic", 0.3))
    with pytest.raises(UserError, match="--by-class: is for depth and the like, not for semantic"):
        evaluate(Evaluation(folder, f"{domain.root}:val", by_class=True))
    assert not (folder / "metrics.json").exists()


def test_a_domain_without_classes_is_refused(predict, noisy, domain):
    folder = predict("m", "depth", noisy("depth", 0.3))
    description = domain.root / "domain.toml"
    description.write_text(description.read_text().replace('"semantic", ', '"image2", '))
    result = CliRunner().invoke(
        main, ["evaluate", str(folder), "--domain", f"{domain.root}:val", "--by-class"]
    )
    assert result.exit_code == 2
    assert result.output.count("\n") == 1


def test_where_no_pixel_with_truth_has_a_class_it_says_so(predict, noisy, domain):
    folder = predict("m", "depth", noisy("depth", 0.3))
    for index in range(7):
        encodings.write_png(domain.file(index, "semantic"), np.full((6, 8), 255, np.uint8))
    result = CliRunner().invoke(
        main, ["evaluate", str(folder), "--domain", f"{domain.root}:val", "--by-class"]
    )
    assert result.exit_code == 2
    assert "--by-class: no pixel with truth has a class" in result.output
    assert not (folder / "metrics.json").exists()


def test_a_baseline_from_elsewhere_may_know_no_focal_ratio(predict, domain):
    told = {"method": {"training_focal": 96.0}}
    method = predict("m", "depth", spoilt(domain, road=0.9, sky=0.8), **told)
    others = [predict(name, "depth", spoilt(domain, road=2, sky=2)) for name in "bo"]
    options = ["--baseline", str(others[0]), "--oracle", str(others[1]), "--by-class"]
    result = CliRunner().invoke(
        main, ["evaluate", str(method), "--domain", f"{domain.root}:val", *options]
    )
    assert result.exit_code == 0, result.output
    _, table = result.output.split("abs rel × focal ratio, by the class of the pixels")
    road = next(line for line in table.splitlines() if domain.label_space.classes[0] in line)
    assert [cell.strip() for cell in road.strip("│").split("│")][3::2] == ["–", "–"]


def test_the_table_shows_who_is_wrong_on_what(predict, domain):
    folders = [
        predict(name, "depth", spoilt(domain, road=road, sky=1.25))
        for name, road in (("m", 1.25), ("b", 1.5), ("o", 1.125))
    ]
    method, baseline, oracle = map(str, folders)
    result = CliRunner().invoke(
        main,
        [
            *("evaluate", method, "--domain", f"{domain.root}:val", "--by-class"),
            *("--baseline", baseline, "--oracle", oracle, "--bootstrap", "50"),
        ],
    )
    assert result.exit_code == 0, result.output
    _, table = result.output.split("abs rel, by the class of the pixels")
    rows = {
        cells[0].strip(): cells
        for line in table.splitlines()
        if len(cells := line.strip("│").split("│")) > 1
    }
    names = domain.label_space.classes
    assert [rows[names[0]][k].split()[0] for k in (2, 3, 4, 5)] == ["0.250", "0.500", "0.125", "67"]
    assert rows[names[1]][5].strip() == "undefined"  # the oracle is not ahead there
    shares = [float(rows[name][1]) for name in names[:3]]
    assert sum(shares) == pytest.approx(100, abs=0.2)
