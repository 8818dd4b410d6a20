"""Every block of README and docs is run, or says in the page why it is not.

Shell blocks run in the order of their page, each `atdt` line in process, in a folder where two tiny
domains lie at data/a and data/b. Sizes and numbers of steps are cut down by the table below, which
is all that differs from what the page says. A block is left out by a comment in the line before it:
`<!-- not run: REASON -->`.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from atdt.cli import main
from atdt.domains.streets import RenderConfig, render

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>.+?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
RUN_BY_MAKE = ("make ", "git ", "cd ", "python examples/")
SMALLER = {
    r"--steps \d+": "--steps 2",
    r"--batch \d+": "--batch 2",
    r"--crop \d+x\d+": "--crop 16x32",
    r"--width \d+": "--width 8",
    r"--train \d+": "--train 3",
    r"--val \d+": "--val 2",
    r"--test \d+": "--test 2",
    r"--size \d+x\d+": "--size 16x32",
    r"--network dilated-resnet50": "--network tiny",
}


@pytest.fixture(scope="session")
def domains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    render(RenderConfig(folder, train=4, val=2, test=2, size=(24, 48), right=False, workers=1))
    return folder


def blocks(page):
    """(kind, text) of each block that is to be run."""
    found = list(BLOCK.finditer(page.read_text()))
    return [(m["kind"], m["text"]) for m in found if not m["why"] and m["kind"] in ("sh", "python")]


def commands(text):
    """The command lines of a shell block, comments and continuations taken care of."""
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_run(page, domains, forked_workers, tmp_path, monkeypatch):
    shutil.copytree(domains, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    names = {}
    for kind, text in blocks(page):
        if kind == "python":
            exec(compile(text, str(page), "exec"), names)
            continue
        for line in commands(text):
            if line.startswith(RUN_BY_MAKE):
                continue
            for long, short in SMALLER.items():
                line = re.sub(long, short, line)
            program, *arguments = shlex.split(line, comments=True)
            assert program == "atdt", f"{page.name}: {line}: not a command that this test runs"
            done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 0, f"{page.name}: {line}\n{done.output}\n{done.exception!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
