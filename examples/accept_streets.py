"""Is the gap between two street domains as wide as it should be? Baseline and oracle only.

    python examples/accept_streets.py --out accept-work
    python examples/accept_streets.py --out accept-work --each-knob

The baseline learns on A alone; the oracle has the same network and learns on A and B. Both are
measured on B's test images. Accepted: mIoU baseline/oracle ≤ 0.6, abs rel baseline/oracle ≥ 3, and
every class at least 10 % IoU for the oracle. With --each-knob the baseline is also measured on
renderings of B that differ from A by one knob. Nothing here knows of AT/DT.
"""

from pathlib import Path

import click

from atdt.decode import Prediction, predict
from atdt.devices import fast_precision, pick_device
from atdt.domains.streets import KNOBS, RenderConfig, render
from atdt.evaluate import Evaluation, evaluate
from atdt.networks import NetworkSpec
from atdt.texts import read_json
from atdt.training import TaskTraining, train_task

MOST_MIOU_RATIO, LEAST_ABS_REL_RATIO, LEAST_IOU = 0.6, 3.0, 0.10
TASKS = ("semantic", "depth")


def train(task: str, run: Path, domains: tuple[str, ...], steps: int) -> Path:
    """A task network on the training images of `domains`, or the one that is there already."""
    if (run / "run.json").exists() and read_json(run / "run.json").get("complete"):
        return run
    return train_task(
        TaskTraining(
            task=task,
            train=domains,
            network=NetworkSpec("tiny", {}),
            out=run,
            steps=steps,
            learning_rate=2e-3,
            precision=fast_precision(pick_device()),
            overwrite=True,
        )
    )


def scores(run: Path, domain: str, out: Path) -> dict[str, float]:
    """What `atdt predict` and `atdt evaluate` say of a run on a domain's test images."""
    predict(Prediction(run=run, domain=domain, out=out, overwrite=out.exists()))
    info = read_json(evaluate(Evaluation(predictions=out, domain=domain, focal_ratio=None)))
    return info["scores"]


def short(values: dict[str, float]) -> str:
    """The headline figures of either task on one line."""
    kept = ("miou", "accuracy", "abs_rel", "delta1", "scalar/abs_rel", "scale_free/delta1")
    return ", ".join(f"{key} {values[key]:.3f}" for key in kept if key in values)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--pair", default="streets", show_default=True)
@click.option("--train", "images", default=500, show_default=True, help="Images a domain.")
@click.option("--test", default=150, show_default=True)
@click.option("--steps", default=500, show_default=True, help="Of the baseline; the oracle's × 2.")
@click.option("--size", nargs=2, type=int, default=(96, 192), show_default=True)
@click.option("--each-knob", is_flag=True, help="Also the baseline on each knob alone.")
def main(
    out: Path, pair: str, images: int, test: int, steps: int, size: tuple[int, int], each_knob: bool
) -> None:
    """Train, measure and print; exits with 1 when the pair is not accepted."""
    options = {"pair": pair, "val": 0, "test": test, "size": size, "right": False}
    data = render(RenderConfig(out=out / "data", train=images, **options))
    first, second = f"{data / 'a'}:train", f"{data / 'b'}:train"
    found = {}
    for task in TASKS:
        baseline = train(task, out / f"{task}-baseline", (first,), steps)
        oracle = train(task, out / f"{task}-oracle", (first, second), 2 * steps)
        for name, run in (("baseline", baseline), ("oracle", oracle)):
            for domain in "ab":
                spec, folder = f"{data / domain}:test", out / f"{task}-{name}-on-{domain}"
                found[task, name, domain] = scores(run, spec, folder)
                print(f"{task:8} {name:8} on {domain}: {short(found[task, name, domain])}")
        for knob in KNOBS if each_knob else ():
            alone = render(RenderConfig(out=out / knob, train=0, knobs=(knob,), **options))
            made = scores(baseline, f"{alone / 'b'}:test", out / f"{task}-baseline-on-{knob}")
            print(f"{task:8} baseline on b, {knob} alone: {short(made)}")
    accepted = verdict(found)
    raise SystemExit(0 if accepted else 1)


def verdict(found: dict[tuple[str, str, str], dict[str, float]]) -> bool:
    """Print the ratios and the oracle's classes; is the pair accepted?"""
    semantic, depth = (
        [found[task, name, "b"] for name in ("baseline", "oracle")] for task in TASKS
    )
    miou_ratio = semantic[0]["miou"] / semantic[1]["miou"]
    abs_rel_ratio = depth[0]["abs_rel"] / depth[1]["abs_rel"]
    classes = {
        key.removeprefix("iou/"): value
        for key, value in semantic[1].items()
        if key.startswith("iou/")
    }
    print("oracle's IoU on b: " + ", ".join(f"{name} {iou:.2f}" for name, iou in classes.items()))
    print(f"mIoU baseline/oracle on b: {miou_ratio:.3f} (at most {MOST_MIOU_RATIO})")
    print(f"abs rel baseline/oracle on b: {abs_rel_ratio:.2f} (at least {LEAST_ABS_REL_RATIO})")
    accepted = (
        miou_ratio <= MOST_MIOU_RATIO
        and abs_rel_ratio >= LEAST_ABS_REL_RATIO
        and min(classes.values()) >= LEAST_IOU
    )
    print("accepted" if accepted else "not accepted")
    return accepted


if __name__ == "__main__":
    main()
