"""`atdt evaluate` in process."""

from click.testing import CliRunner

from atdt.cli import main


def atdt(*arguments: object):
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


def test_it_prints_a_table_with_intervals_and_the_path_last(predict, noisy, domain):
    folder = predict("p", "semantic", noisy("semantic", 0.3))
    result = atdt(folder, "--domain", f"{domain.root}:val", "--bootstrap", 50, "--block", 2)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == str(folder / "metrics.json")
    assert lines[-2] == (
        "[low, high]: 95% intervals, 50 resamples of moving blocks of 2 consecutive images"
    )
    assert "mIoU (paper) %" in result.stdout
    assert "vehicle" in result.stdout


def test_it_shows_baseline_oracle_and_gap_closed(predict, noisy, domain):
    folders = {
        name: predict(name, "depth", noisy("depth", share))
        for name, share in (("m", 0.3), ("b", 0.6), ("o", 0.1))
    }
    result = atdt(
        folders["m"],
        "--domain",
        f"{domain.root}:val",
        "--baseline",
        folders["b"],
        "--oracle",
        folders["o"],
        "--focal-ratio",
        "1.25",
        "--bootstrap",
        0,
    )
    assert result.exit_code == 0, result.output
    rows = {line[1:].split("│")[0].strip(): line for line in result.stdout.splitlines()}
    header = next(line for line in result.stdout.splitlines() if "figure" in line)
    assert [cell.strip() for cell in header.strip("┃").split("┃")] == [
        "figure",
        "m",
        "baseline",
        "oracle",
        "gap closed %",
    ]
    factors = rows["× focal ratio: factor"].split("│")
    assert [cell.strip() for cell in factors[2:5]] == ["1.25", "1.25", "–"]
    assert "–" not in rows["× focal ratio: abs rel ↓"].split("│")[5]
    assert "[1]" in next(name for name in rows if name.startswith("× scalar: abs rel"))
    assert "1 of 8 images have no valid pixel" in result.stdout
    assert "no intervals" in result.stdout


def test_the_intervals_of_all_rows_come_from_this_evaluation(predict, noisy, domain):
    folders = {
        name: predict(name, "semantic", noisy("semantic", share))
        for name, share in (("m", 0.3), ("b", 0.6), ("o", 0.1))
    }
    atdt(folders["b"], "--domain", f"{domain.root}:val")
    result = atdt(
        folders["m"],
        "--domain",
        f"{domain.root}:val",
        "--baseline",
        folders["b"],
        "--oracle",
        folders["o"],
        "--bootstrap",
        0,
    )
    assert result.exit_code == 0, result.output
    row = next(line for line in result.stdout.splitlines() if line.startswith("│ mIoU %"))
    assert "[" not in row


def test_mistakes_are_one_line_and_exit_with_2(predict, noisy, domain, tmp_path):
    folder = predict("p", "semantic", noisy("semantic", 0.3))
    for arguments in (
        (tmp_path / "nothing", "--domain", f"{domain.root}:val"),
        (folder, "--domain", f"{domain.root}:few"),
        (folder, "--domain", f"{domain.root}:val", "--oracle", folder),
        (folder, "--domain", f"{domain.root}:val", "--block", 5),
        (folder, "--domain", f"{domain.root}:val", "--focal-ratio", "wide"),
    ):
        result = atdt(*arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
        assert result.output.splitlines()[-1].startswith("Error: ")
