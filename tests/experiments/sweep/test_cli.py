"""`atdt sweep`, in process."""

from click.testing import CliRunner

from atdt.cli import main

GRID = "steps = 4\nbatch = 5\nheld_out = 0.3\n[[grid]]\noptions.width = [4, 8]\n"


def test_the_leaderboard_is_printed_and_its_path_last(ground, b, grid, tmp_path):
    out = tmp_path / "sweep"
    arguments = [
        "sweep", str(ground.store), f"--grid={grid(GRID)}", "--from=depth", "--to=semantic",
        f"--target-run=semantic={ground.n2}", f"--b={b}", f"--out={out}", "--cuts=0.5",
        "--device=cpu",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(out / "leaderboard.md")
    assert "bottleneck-width8" in done.stdout and "on B" in done.stdout
    assert "held-out loss on A" in (out / "leaderboard.md").read_text()
    page = (out / "leaderboard.html").read_text()
    assert f"page: {out / 'leaderboard.html'}" in done.stderr
    assert "To compare with &quot;head&quot;, &quot;ridge&quot;, add to the grid" in page
    assert 'add to the grid: [[grid]] architecture = ["head", "ridge"].' in done.stderr
    assert "By A alone the sweep chooses" in page and "bottleneck-width8" in page
    assert "Numbers are rows of the table" in page and "data:image/svg+xml" in page
    assert "after 2 steps 1 of 2 configurations go on; the best on A: bottleneck" in done.stderr
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 2 and "--resume goes on" in again.stderr
    wrong = CliRunner().invoke(main, [*arguments, "--cuts=half"])
    assert wrong.exit_code == 2 and "write shares" in wrong.stderr
    wrong = CliRunner().invoke(main, [*arguments, "--cuts=2", "--overwrite"])
    assert wrong.exit_code == 2 and "shares of the steps" in wrong.stderr
