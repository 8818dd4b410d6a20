"""What `atdt reproduce` is asked for, and the experiment that it comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from atdt.digests import sha256_json
from atdt.domains import open_domain
from atdt.domains.opening import parse_spec
from atdt.errors import UserError
from atdt.experiments.experiment import Experiment
from atdt.experiments.grids import GRIDS
from atdt.experiments.pairs import Place, check_names, pair_of, place_of
from atdt.experiments.preset import Preset, load_preset
from atdt.experiments.preset_check import check_preset
from atdt.experiments.studies import STUDIES
from atdt.experiments.swept import check_grid
from atdt.networks import NetworkSpec
from atdt.tasks import get_task

TITLES = {
    "table1": "Table 1: from depth to semantics",
    "table2": "Table 2: from semantics to depth",
    "table3": "Table 3: from depth to semantics, with a CycleGAN",
    "table4": "Table 4: from semantics to depth, with a CycleGAN",
    "table5": "Table 5: one N1 on both domains, or one each",
    "table6": "Table 6: with batch norm and without",
    "figure3": "Figure 3: from depth to semantics, and back, in pictures",
    "figure4": "Figure 4: where to transfer",
    "supplement": "What G itself is worth, as the supplement asks",
    "tasks": "Other tasks, as the paper's supplement asks",
    "factors": "Colours, batch norm and method, crossed",
    "aux": "An auxiliary edge task and norm discrepancy, for every method",
    "noise": "Feature noise and mixup, while G learns",
    "consistency": "B's labels of task 1, agreed with by every method",
    "looks": "Mirrors, other colours, and A in B's colours, for every method",
}
TO_DEPTH = ("semantic", "depth")
TO_SEMANTIC = ("depth", "semantic")
ADAPTED = ("table3", "table4")  # with a CycleGAN
NAMED = 6  # letters of the digest that tells overridden presets apart


@dataclass(frozen=True)
class Reproduction:
    """What to reproduce.

    Attributes:
        table: one of `TITLES`.
        tasks: T1 and T2, such as ("semantic", "normals"): of the table "tasks", and of studies
            where it is not from depth to semantics, as the paper's are; None for others.
        pair: of domains, see `atdt.experiments.pairs`; any name for two of the user's own.
        preset: its name or file.
        overrides: options of the preset → values, see `load_preset`.
        a, b: descriptions of the domains, or their folders; for pairs that are not rendered.
        b_test: spec of another domain that B's rows are tested on, with labels of T2; None: B.
        root: where data/, runs/, stores/, predictions/ and reports/ are, or are made.
        seeds: of the task networks and views.
        transfer_seeds: of G and the head.
        rivals: also train the rivals that cost a training each.
        students: also merge AT/DT with the baseline, and distil each into one network.
        label_transfer: also transfer B's labels of T1 to T2 and teach AT/DT, the head and one
            network by them; of tables 1 and 2 and `tasks`, as are the rivals, students and sweep.
        sweep: grid file of Gs that are swept in each store; see `atdt.experiments.swept`.
        perfect_look: also the rows of tables 3 and 4 on B as no adaptation could do better, which
            only a rendered pair has.
        foundation: weights of the rival (vi)'s vision transformer; None: it has no row.
        foundation_model: timm's name of it.
        curve: numbers of labelled images of B for the oracle's curve.
    """

    table: str
    pair: str = "streets"
    preset: str = "streets"
    overrides: Mapping[str, str] = field(default_factory=dict)
    a: Path | None = None
    b: Path | None = None
    b_test: str | None = None
    root: Path = Path()
    seeds: tuple[int, ...] = (0, 1, 2)
    transfer_seeds: tuple[int, ...] = (0,)
    rivals: bool = True
    students: bool = False
    label_transfer: bool = False
    sweep: Path | None = None
    perfect_look: bool = False
    foundation: Path | None = None
    foundation_model: str = "vit_small_patch14_dinov2"
    curve: tuple[int, ...] = (10, 30, 100, 300)
    tasks: tuple[str, str] | None = None


def experiment_of(config: Reproduction) -> Experiment:
    """The experiment that makes the table.

    Raises:
        UserError: an unknown table, pair, preset or grid, or domains that are missing or too many.
    """
    if config.table not in TITLES:
        raise UserError(f"{config.table!r}: known are {', '.join(TITLES)}")
    pair = pair_of(config.pair, config.a, config.b)
    preset = load_preset(config.preset, config.overrides)
    check_preset(preset, config.table)
    places = None
    if pair.rendered is not None and (config.a or config.b or config.b_test):
        raise UserError(f"pair {pair.name!r} is rendered: leave --a, --b and --b-test out")
    if pair.rendered is None and config.perfect_look:
        raise UserError(f"--perfect-look: pair {pair.name!r} is not rendered, so it has no such B")
    if pair.rendered is None and (config.a is None or config.b is None):
        raise UserError(
            f"pair {pair.name!r}: name your copies by --a ({pair.a}) and --b ({pair.b}); "
            "`atdt data describe` makes domains of them"
        )
    if pair.published and config.a is not None and config.b is not None:
        tested = {} if config.b_test is None else {"--b-test": parse_spec(config.b_test).path}
        check_names(pair, {"--a": config.a, "--b": config.b, **tested})
    directions = _directions(config)
    target = get_task(directions[0][1])
    if pair.rendered is None:
        kinds = [label for task in directions[0] if (label := get_task(task).label)]
        places = place_of(config.a, None, kinds), place_of(config.b, config.b_test, kinds)
        labels = [label for _, task in directions if (label := get_task(task).label)]
        for place in places:  # now, not when all is trained
            open_domain(f"{place.spec('test')}", labels=labels)
        _check_sizes(places, preset)
    if config.table in ADAPTED:
        _check_cyclegan(places, preset)
    grid = None if config.sweep is None else check_grid(config.sweep)
    if target.label is None and (config.students or grid or config.table in GRIDS):
        asked = "--students" if config.students else "--sweep" if grid else config.table
        raise UserError(f"{asked}: needs labels of task 2; {target.name} has truth from images")
    return Experiment(
        preset,
        pair,
        config.root,
        _name(config),
        directions=directions,
        seeds=config.seeds,
        transfer_seeds=config.transfer_seeds,
        rivals=config.rivals and config.table != "figure3",
        students=config.students,
        label_transfer=config.label_transfer,
        sweep=grid,
        perfect_look=config.perfect_look,
        foundation=_foundation(config),
        curve=() if config.table == "figure3" else config.curve,
        places=places,
    )


def _check_sizes(places: Sequence[Place], preset: Preset) -> None:
    """Refuse, in words of `--set`, what the trainings would refuse in words of their own."""
    sizes = {}
    for place in places:
        domain = open_domain(f"{place.spec('train')}")
        size = preset.resize or domain.image_size(0)
        named = f"{domain.path}: {domain.samples[0].image} is {size[0]}x{size[1]}"
        if preset.crop and (size[0] < preset.crop[0] or size[1] < preset.crop[1]):
            raise UserError(
                f"{named}, smaller than the crop of {preset.crop[0]}x{preset.crop[1]}: --set "
                "crop=[H,W] takes a smaller one, --set resize=[H,W] brings all images to one size"
            )
        sizes[preset.crop or size] = named
    if len(sizes) > 1:
        raise UserError(
            f"{', but '.join(sizes.values())}; N1 learns from both: --set crop=[H,W] cuts one size "
            "from all images, --set resize=[H,W] brings them to one"
        )


def _check_cyclegan(places: Sequence[Place] | None, preset: Preset) -> None:
    """Refuse a crop that its images have no room for, before the networks have learnt."""
    if preset.cyclegan_crop is None:
        return
    height, width = preset.cyclegan_crop
    sizes = {"the rendered images": preset.size} if places is None else {}
    for place in places or ():
        domain = open_domain(f"{place.spec('train')}")
        sizes[f"{domain.path}: {domain.samples[0].image}"] = domain.image_size(0)
    for named, size in sizes.items():
        if size[0] < height or size[1] < width:
            raise UserError(
                f"cyclegan_crop = [{height}, {width}]: no room for it in {named} of "
                f"{size[0]}x{size[1]}; --set cyclegan_crop=[H,W] takes less, none whole images"
            )


def _foundation(config: Reproduction) -> NetworkSpec | None:
    if config.foundation is None:
        return None
    if not config.foundation.is_file():
        raise UserError(f"--foundation {config.foundation}: no such file")
    options = {"model": config.foundation_model, "weights": str(config.foundation)}
    return NetworkSpec("vit", options)


def _directions(config: Reproduction) -> tuple[tuple[str, str], ...]:
    if config.table == "tasks" and config.tasks is None:
        raise UserError("the table 'tasks' needs --from T1 --to T2")
    if config.tasks is not None and config.table not in ("tasks", *STUDIES, *GRIDS):
        raise UserError(f"--from and --to are not for {config.table}, whose tasks are the paper's")
    if config.tasks is not None:
        source, target = (get_task(name).name for name in config.tasks)
        if source == target:
            raise UserError(f"--from {source} --to {target}: the same task")
        return ((source, target),)
    if config.table == "figure3":
        return TO_SEMANTIC, TO_DEPTH
    return (TO_DEPTH if config.table in ("table2", "table4") else TO_SEMANTIC,)


def report_name(config: Reproduction) -> str:
    """Of the folder of the report; another where other tasks than a table's own are asked for."""
    if config.tasks is None:
        return config.table
    return f"{config.table}-{'-to-'.join(_directions(config)[0])}"


def _name(config: Reproduction) -> str:
    """Of the folders: the same for all tables of a pair and preset, so that they share trainings;
    another where an option was overridden, so that none replaces what another made."""
    name = f"{config.pair}-{Path(config.preset).stem}"
    if not config.overrides:
        return name
    return f"{name}-{sha256_json(dict(config.overrides))[:NAMED]}"
