"""`atdt prune`: what stores take on the disk, and the deletion of what is not needed."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atdt.cli import options, tables
from atdt.errors import UserError
from atdt.sizes import said

if TYPE_CHECKING:
    from rich.table import Table

    from atdt.stores.prune import Freed
    from atdt.stores.usage import ArrayUsage, StoreUsage

PLACES = (Path("stores"), Path("runs"))
STYLES = {"complete": None, "damaged": "red"}


@click.command("prune")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=options.PLACE)
@click.option("--orphans", is_flag=True, help="Delete what nothing refers to.")
@click.option("--array", "arrays", multiple=True, help="Delete LEVEL/NAME; repeatable.")
@click.option("--store", "whole", is_flag=True, help="Delete each store that is named, wholly.")
@click.option("--yes", is_flag=True, help="Do not ask before --array and --store.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    orphans: bool,
    arrays: tuple[str, ...],
    whole: bool,
    yes: bool,
) -> None:
    """Show what stores take on the disk, and free it.

    PATH is a store, or a folder with stores in it; by default stores/ and runs/. Without an option
    nothing is changed. Features can be extracted again from the images and the runs; nothing but
    that brings a deleted array back. What is being written is left alone. A training that reads an
    array while it is deleted fails.
    """
    from atdt.stores import delete_array, delete_store, free_orphans

    if sum((orphans, bool(arrays), whole)) > 1:
        raise UserError("--orphans, --array and --store exclude each other; give one of them")
    stores = _named_stores(paths) if arrays or whole else _stores(paths)
    if whole:
        for store in stores:
            _delete([f"the store {store}"], store, yes, [lambda store=store: delete_store(store)])
    elif arrays:
        if len(stores) > 1:
            raise UserError("--array is of one store; name no more than that")
        (store,) = stores
        names = list(dict.fromkeys(arrays))
        deletions = [lambda name=name: delete_array(store, name) for name in names]
        _delete([f"{name} of {store}" for name in names], store, yes, deletions)
    elif orphans:
        freed = [free_orphans(store) for store in stores]
        click.echo(f"freed {said(sum(one.bytes for one in freed))}")
        left = [line for one in freed for line in one.left]
        for line in left:
            click.echo(f"left alone: {line}", err=True)
        if left:
            ctx.exit(1)
    else:
        _show(stores, paths)


def _stores(paths: Sequence[Path]) -> list[Path]:
    from atdt.stores import find_stores

    places = list(paths) or [place for place in PLACES if place.is_dir()]
    if not places:
        raise UserError("no stores/ and no runs/ here; name a store, or a folder with stores in it")
    stores = dict.fromkeys(store for place in places for store in find_stores(place))
    if not stores:
        raise UserError(f"no stores below {', '.join(map(str, places))}")
    return list(stores)


def _named_stores(paths: Sequence[Path]) -> list[Path]:
    """Stores themselves: what is deleted must have been named, not found."""
    from atdt.stores import find_stores

    if not paths:
        raise UserError("name the store; nothing is deleted of stores that are only found")
    for path in paths:
        if find_stores(path) != [path]:
            raise UserError(f"{path}: not a feature store; name the store itself")
    return list(dict.fromkeys(paths))


def _delete(
    what: list[str], store: Path, yes: bool, deletions: Sequence[Callable[[], "Freed"]]
) -> None:
    if not yes:
        if not _can_ask():
            raise UserError("nothing is deleted: nobody can be asked here; give --yes")
        _print_table([_usage(store)])
        click.confirm(f"delete {', '.join(what)}?", abort=True)
    for name, delete in zip(what, deletions, strict=True):
        click.echo(f"deleted {name}: {said(delete().bytes)}")


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _usage(store: Path) -> "StoreUsage":
    from atdt.stores import store_usage

    return store_usage(store)


def _show(stores: list[Path], paths: Sequence[Path]) -> None:
    usages = [_usage(store) for store in stores]
    _print_table(usages)
    console = tables.console()
    for usage in usages:
        if usage.problem:
            console.print(usage.problem, style="red", soft_wrap=True)
        for array in usage.arrays:
            if array.problem and array.state == "damaged" and array.problem != usage.problem:
                console.print(array.problem, style="red", soft_wrap=True)
    found = [orphan for usage in usages for orphan in usage.all_orphans]
    if not found:
        click.echo("nothing is orphaned; --array LEVEL/NAME or --store frees more")
        return
    click.echo("nothing refers to:")
    for usage in usages:
        kinds = Counter((orphan.why, _place(usage, orphan.path)) for orphan in usage.all_orphans)
        for (why, place), count in sorted(kinds.items(), key=lambda item: item[0][::-1]):
            click.echo(f"  {usage.path}/{place}: {why}" + (f" (×{count})" if count > 1 else ""))
    again = " ".join(["atdt prune", *map(str, paths), "--orphans"])
    click.echo(f"`{again}` frees {said(sum(orphan.bytes for orphan in found))}")


def _place(usage: "StoreUsage", path: Path) -> str:
    """The array, level or vector that a path lies in."""
    return "/".join(path.relative_to(usage.path).parts[:2])


def _print_table(usages: list["StoreUsage"]) -> None:
    from atdt.stores import runs_trained

    headings = ("store, array", "state", "samples", "dtype", "codec", "on disk", "orphaned")
    shown = tables.table(*headings, "written", "trained from it")
    runs = PLACES[1]
    for usage in usages:
        state = "" if usage.problem is None else "damaged"
        style = "bold" if usage.problem is None else "bold red"
        cells = [str(usage.path), state, "", "", "", said(usage.bytes), _orphaned(usage.orphans)]
        shown.add_row(*cells, "", "", style=style)
        trained = runs_trained(usage.path, runs) if runs.is_dir() else {}
        for array in usage.arrays:
            _add_array(shown, array, trained.get(array.name, []))
    if len(usages) > 1:
        total = sum(usage.bytes for usage in usages)
        orphaned = [orphan for usage in usages for orphan in usage.all_orphans]
        cells = ["total", "", "", "", "", said(total), _orphaned(orphaned)]
        shown.add_row(*cells, "", "", style="bold")
    tables.console().print(shown)


def _add_array(shown: "Table", array: "ArrayUsage", runs: list[str]) -> None:
    samples = "–" if array.samples is None else str(array.samples)
    if array.samples != array.of:
        samples += f" of {array.of}"
    written = "–" if array.written is None else f"{array.written.astimezone():%Y-%m-%d %H:%M}"
    shown.add_row(
        f"  {array.name}",
        array.state,
        samples,
        array.dtype or "–",
        array.compressor or "–",
        said(array.bytes),
        _orphaned(array.orphans),
        written,
        ", ".join(runs),
        style=None
        if array.state == "complete"
        else "red"
        if array.state == "damaged"
        else "yellow",
    )


def _orphaned(orphans: Sequence) -> str:
    return said(sum(orphan.bytes for orphan in orphans)) if orphans else ""
