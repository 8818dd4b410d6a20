"""`atdt inspect`: what a store, a run or a predictions folder holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atdt.cli import options, tables
from atdt.sizes import said

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

RUN_INFO = "run.json"


@click.command("inspect")
@click.argument("path", type=options.PLACE)
@click.option("--json", "as_json", is_flag=True, help="Print plain JSON, for scripts.")
def command(path: Path, as_json: bool) -> None:
    """Show what PATH holds: a feature store, the folder of a run, or predictions.

    Of a store: its samples and plan, each array's state, sizes, statistics and provenance, and how
    xarray sees it. Of a run: its config, scores and provenance. Of predictions: task, method, and
    how many images are done. Nothing is changed, and a store's features are not read (`atdt verify`
    does that).
    """
    from atdt import predictions

    describe, show = _describe_store, _show_store
    if (path / RUN_INFO).is_file():
        describe, show = _describe_run, _show_run
    elif predictions.is_predictions(path):
        describe, show = predictions.describe, _show_predictions
    content = describe(path)
    if as_json:
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    show(tables.console(), content)


def _describe_store(path: Path) -> dict[str, Any]:
    from atdt.stores import describe

    return describe(path)


def _describe_run(path: Path) -> dict[str, Any]:
    """run.json as it stands, and what would keep the run from being used."""
    from atdt.errors import UserError
    from atdt.runs import open_run
    from atdt.texts import read_json

    content, problem = read_json(path / RUN_INFO), None
    try:
        open_run(path)
    except UserError as error:
        problem = str(error)
    return {"path": str(path), "problem": problem, **content}


def _show_store(console: "Console", store: dict[str, Any]) -> None:
    domain, arrays = store["domain"], store["arrays"]
    console.print(
        f"{store['path']}: feature store, schema {store['schema']}, "
        f"{said(store['bytes_on_disk'])} on disk",
        style="bold",
    )
    facts = {
        "domain": ", ".join(f"{key} {tables.text(value)}" for key, value in domain.items()),
        "samples": f"{store['samples']} ({store['images']} images, {store['views']} views)",
        "blocks": f"{store['blocks']} of {store['samples_per_shard']} samples",
        "plan": ", ".join(f"{key} {tables.text(value)}" for key, value in store["plan"].items()),
    }
    console.print(tables.facts(facts))
    if not arrays:
        console.print("no arrays yet; add one with `atdt extract`")
        return
    console.print(_arrays_table(arrays))
    console.print(_statistics_table(arrays))
    for name, array in arrays.items():
        console.print(f"\nprovenance of {name}", style="bold")
        console.print(tables.facts(tables.flat(array.get("provenance", {}))))
    _show_xarray(console, store)
    for name, array in arrays.items():
        if array["problem"]:
            console.print(f"{name}: {array['problem']}", style="red", soft_wrap=True)


def _show_xarray(console: "Console", store: dict[str, Any]) -> None:
    from atdt.stores import open_dataset

    sound = [name.split("/") for name, array in store["arrays"].items() if not array["problem"]]
    for level in dict.fromkeys(level for level, _ in sound):
        names = [name for of, name in sound if of == level]
        console.print(f'\nopen_dataset("{store["path"]}", "{level}")', style="bold", soft_wrap=True)
        # The provenance has been shown above.
        console.print(str(open_dataset(store["path"], level, names).drop_attrs()), soft_wrap=True)


def _arrays_table(arrays: dict[str, dict[str, Any]]) -> "Table":
    table = tables.table("array", "state", "shape", "dtype", "unit", "codec", "on disk", "ratio")
    for name, array in arrays.items():
        blocks = f"{array['committed']}/{array['blocks']} blocks"
        state = array["status"] if not array["problem"] else f"refused, {blocks}"
        state = f"incomplete, {blocks}" if array["status"] == "incomplete" else state
        cells = [name, state]
        if "shape" in array:
            ratio = array["bytes"] / array["bytes_in_shards"] if array["bytes_in_shards"] else None
            cells += ["×".join(map(str, array["shape"])), array["dtype"], array["units"]]
            cells += [array["compressor"], said(array["bytes_on_disk"])]
            cells += ["–" if ratio is None else f"{ratio:.2f}"]
        table.add_row(*cells, style=None if not array["problem"] else "red")
    return table


def _statistics_table(arrays: dict[str, dict[str, Any]]) -> "Table":
    table = tables.table(
        "array", "max |x|", "cast error", "channel means", "deviations", "constant"
    )
    for name, array in arrays.items():
        statistics = array.get("statistics")
        if not statistics:
            continue
        error = f"{statistics['cast_error_max']:.2g}, mean {statistics['cast_error_mean']:.2g}"
        spread = (_range(statistics[key]) for key in ("mean", "standard_deviation"))
        constant = f"{statistics['constant_channels']} of {statistics['channels']}"
        table.add_row(name, f"{statistics['max_abs']:.5g}", error, *spread, constant)
    return table


def _show_run(console: "Console", run: dict[str, Any]) -> None:
    state = "complete" if run.get("complete") else "unfinished"
    console.print(f"{run['path']}: run, {run.get('kind', 'of no kind')}, {state}", style="bold")
    shown_apart = {"path", "problem", "schema", "kind", "complete"}
    for key, value in run.items():
        if key in shown_apart:
            continue
        console.print(f"\n{key}", style="bold")
        console.print(tables.facts(tables.flat(value if isinstance(value, dict) else {"": value})))
    if run["problem"]:
        console.print(run["problem"], style="red", soft_wrap=True)


def _show_predictions(console: "Console", made: dict[str, Any]) -> None:
    state = "complete" if made["complete"] else "unfinished"
    of = "" if made["images"] is None else f" of {made['images']}"
    console.print(
        f"{made['path']}: predictions of {tables.text(made.get('task'))}, {state}, "
        f"{made['predicted']}{of} images",
        style="bold",
    )
    # Long lists of classes tell little about the predictions.
    space = made.get("label_space")
    name = space.get("name") if isinstance(space, dict) else None
    shown_apart = {"path", "problem", "schema", "task", "complete", "predicted", "images"}
    shown = {key: value for key, value in made.items() if key not in shown_apart}
    console.print(tables.facts(tables.flat({**shown, "label_space": name})))
    if made["problem"]:
        console.print(made["problem"], style="red", soft_wrap=True)


def _range(values: dict[str, float]) -> str:
    return f"{values['least']:.3g} … {values['median']:.3g} … {values['greatest']:.3g}"
