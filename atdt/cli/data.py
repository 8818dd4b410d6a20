"""`atdt data`: the data sets that are known, and what of them lies in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atdt.cli import options

if TYPE_CHECKING:
    from atdt.domains.datasets import Checked, Layout

DATA_SET = options.LocalPath("data sets in their official layouts are looked through on a disk")
labels_option = click.option(
    "--labels", help="How to read its semantic labels; `atdt data list NAME` shows the ways."
)
root_argument = click.argument("root", type=DATA_SET, metavar="PATH")


@click.group("data", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Known data sets: list them, check a folder, make a domain of one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command("list")
@click.argument("name", required=False)
def list_(name: str | None) -> None:
    """Show the data sets that are known or, of NAME, all that is known."""
    from atdt.domains.datasets import layout, layout_names

    if name is not None:
        _show(layout(name))
        return
    from atdt.cli.tables import console, table

    shown = table("data set", "is", "needs", "gives", "splits")
    for known in map(layout, layout_names()):
        splits = ", ".join(known.splits)
        shown.add_row(known.name, known.title, _needs(known), _gives(known), splits)
    console().print(shown)
    click.echo("atdt data list NAME shows the files of NAME in full, and where they come from")


@command.command("check")
@click.argument("name")
@root_argument
@labels_option
@click.option("--files", type=click.IntRange(min=1), default=5, show_default=True, help="A split.")
@click.option("--all", "every", is_flag=True, help="Open all files.")
@click.pass_context
def check(
    ctx: click.Context, name: str, root: Path, labels: str | None, files: int, every: bool
) -> None:
    """Count the files of data set NAME in the folder PATH, and open some of each split.

    Sizes, ids and ranges are held against what the data set's layout says. The first file that is
    wrong, or missing where others of its kind are there, is named; the exit code is then 1. A kind
    of file that no image has is named too: you may do without it.
    """
    from atdt.domains.datasets import check_dataset

    checked = check_dataset(name, root, labels, None if every else files)
    _show_checked(checked)
    if checked.wrong:
        click.echo(f"wrong: {checked.wrong}")
        ctx.exit(1)


@command.command("describe")
@click.argument("dataset", metavar="NAME")
@root_argument
@click.option("--out", type=DATA_SET, required=True, help="A folder for domain.toml and lists.")
@labels_option
@click.option("--name", "called", help="Of the domain; the data set's otherwise.")
@click.option(
    "--fov", type=float, help="Degrees that the images' width sees, as of CARLA's cameras."
)
@click.option(
    "--focal", type=float, help="Or the focal length, in pixels of the images as they are."
)
@options.overwrite
def describe(dataset: str, called: str | None, **chosen: Any) -> None:
    """Make a domain of data set NAME in the folder PATH: a description and lists, no copies."""
    from atdt.domains.datasets import Describing, describe, missing_of

    path = describe(Describing(dataset, name=called, **chosen))
    for line in missing_of(path):
        click.echo(f"missing: {line}", err=True)
    click.echo(path)


@command.command("unpack")
@click.argument("name", type=click.Choice(["nyuv2"]))
@click.argument("mat", type=DATA_SET, metavar="FILE.mat")
@click.option("--out", type=DATA_SET, required=True, help="A folder for the frames' files.")
@click.option("--splits", type=DATA_SET, metavar="FILE", help="splits.mat, or a text.")
@click.option("--classes", type=DATA_SET, metavar="FILE", help="classMapping40.mat, or a text.")
@click.option("--raw-depth", is_flag=True, help="Depth as measured, rather than in-painted.")
def unpack(name: str, **chosen: Any) -> None:
    """Make files of a data set that is one file, nyu_depth_v2_labeled.mat: layout nyuv2-png.

    Without --splits all frames are one split; the text has a line "train 1 2 …" and one "test 3 …".
    Without --classes there are no labels of 40 classes, but those of 894; the text has a number 1
    to 40 for each of the 894. Both can be added later. What a stopped command has written is kept:
    repeat the command.
    """
    from atdt.domains.datasets.nyu_mat import Unpacking, unpack_nyu

    click.echo(unpack_nyu(Unpacking(**chosen)))


def _needs(known: "Layout") -> str:
    """The folders that its files lie below, each as far as the first that has a name of its own."""
    patterns = [*known.files.values(), *(file for way in known.ways.values() for file in way.files)]
    folders = [pattern.split("/")[:-1] for pattern in patterns]
    tops = [_as_far_as_a_name(parts) for parts in folders]
    if all(top == tops[0] for top in tops):  # which says little, as KITTI's training/
        tops = [parts[: len(top) + 1] for parts, top in zip(folders, tops, strict=True)]
    return ", ".join(dict.fromkeys("".join(f"{part}/" for part in top) for top in tops))


def _as_far_as_a_name(folders: list[str]) -> list[str]:
    named = (n for n, part in enumerate(folders, start=1) if not set(part) & set("{}*"))
    return folders[: next(named, len(folders))]


def _gives(known: "Layout") -> str:
    spaces = dict.fromkeys(way.becomes for way in known.ways.values())
    kinds = [f"semantic ({', '.join(spaces)})"] if spaces else []
    kinds += [kind for kind in ("depth", "normals", "right") if kind in known.files]
    return ", ".join(kinds)


def _show(known: "Layout") -> None:
    from atdt.cli.tables import console, facts
    from atdt.domains.datasets.find import needed

    ways = {
        f"--labels {way.name}": f"{way.encoding}, {way.table or way.space}"
        for way in known.ways.values()
    }
    low, high = known.bounds
    content = {
        "data set": known.title,
        "get": known.get,
        "source": known.source,
        **({"note": known.note} if known.note else {}),
        **({"ask": known.ask} if known.ask else {}),
        **needed(known),
        **{f"split {split}": _rule(rule) for split, rule in known.splits.items()},
        **ways,
        **{f"{kind} encoding": encoding for kind, encoding in known.encodings.items()},
        **({"depth bounds": f"{low:g} to {high:g} m"} if "depth" in known.files else {}),
        **{key: f"{value:g}" for key, value in known.camera.items()},
    }
    console().print(facts(content))


def _rule(rule: object) -> str:
    if not isinstance(rule, dict) or not rule:
        return "all images"
    if "names" in rule:
        return f"{rule['field']} in {rule['names']}" + (", if there" if "optional" in rule else "")
    if "beside" in rule:
        return f"where {rule['beside']}/ is"
    return ", ".join(
        f"{key} {value if isinstance(value, str) else ' '.join(value)}"
        for key, value in rule.items()
    )


def _show_checked(checked: "Checked") -> None:
    from atdt.cli.tables import console, table

    found = checked.found
    shown = table("split", *found.patterns, "opened", "what they hold")
    for split in found.splits:
        counts = (str(found.count(split, column)) for column in found.patterns)
        facts = "; ".join(checked.facts.get(split, []))
        shown.add_row(split, *counts, str(checked.opened.get(split, 0)), facts)
    console().print(shown)
    if found.unsplit:
        click.echo(f"{found.unsplit} more images belong to no split")
    if found.way is not None and "semantic" in found.columns:
        way = found.way
        click.echo(f"semantic labels: {way.name} ({way.encoding}, {way.table or way.space})")
    for line in checked.missing:
        click.echo(f"missing: {line}")
    for line in checked.doubts:
        click.echo(f"doubtful: {line}")
