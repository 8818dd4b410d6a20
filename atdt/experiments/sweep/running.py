"""One race of a sweep, from its trials to its leaderboard."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from atdt.devices import pick_device
from atdt.diagnose.judging import Judge, judge_on
from atdt.diagnose.scores.evidence import Evidence, gather
from atdt.diagnose.scores.outputs import Transferred
from atdt.diagnose.scores.scoring import Values, score
from atdt.errors import UserError
from atdt.experiments.sweep.board import Board, Line, ranked
from atdt.experiments.sweep.config import Sweep
from atdt.experiments.sweep.grid import Trial, weights_text
from atdt.experiments.sweep.race import Race, Racer, Standing, cut_steps
from atdt.hold import exclusive
from atdt.runs import create_run
from atdt.transfer import TransferTraining, load_transfer
from atdt.transfer.building import build, input_keys
from atdt.transfer.estimate import feed_choice, sketch
from atdt.transfer.load import KIND
from atdt.transfer.setting import Setting, prepare
from atdt.transfer.stacked import pays, stack_key
from atdt.transfer.trainee import Trainee, learnt_from
from atdt.transfer.training import Say, open_feed


@dataclass(frozen=True)
class Ground:
    """What the trials of a race stand on.

    Attributes:
        setting: of all.
        evidence: what they are scored by.
        on_b: judges them by B's labels; None: there are none.
    """

    setting: Setting
    evidence: Evidence
    on_b: Judge | None


def ground_of(config: Sweep, trials: Sequence[Trial]) -> Ground:
    """Open what a race needs and prove that each of its networks can be built; nothing is written.

    Raises:
        UserError: an option, store, array or run that cannot be used; an option names its G.
    """
    setting = prepare(_with_all_losses(trials))
    for trial in trials:
        try:
            sketch(trial.config, setting)
        except UserError as error:
            raise UserError(f"{config.grid}: {trial.name}: {error}") from None
    source = trials[0].config.source
    on_b = None if config.b is None else judge_on(config.b, source, setting)
    device = pick_device(config.device)
    evidence = gather(setting, source, config.b, config.rehearsal, device, config.cross_task)
    return Ground(setting, evidence, on_b)


def race(
    config: Sweep,
    name: str,
    trials: Sequence[Trial],
    ground: Ground,
    standing: Standing,
    keep: Any,
    say: Say,
) -> Board:
    device = pick_device(config.device)
    workers = config.workers or (1 if device.type == "cuda" else torch.get_num_threads())
    setting, on_a = ground.setting, ground.evidence.on_a
    with ExitStack() as held:
        held.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True))
        held.enter_context(_threads(max(1, torch.get_num_threads() // workers)))
        racers = []
        stacks = _stacks(config, trials, setting, device)
        for trial in trials:
            held.enter_context(exclusive(trial.config.out))
            inputs = input_keys(trial.config, setting)
            stack = stacks.get(trial.name)
            learnt = learnt_from(trial.config, setting, inputs, device)
            run = create_run(
                trial.config.out,
                KIND,
                learnt if stack is None else learnt | {"stacked": True},
                overwrite=trial.config.overwrite,
                resume=config.resume,
            )
            if not run.complete:
                network = build(trial.config, setting)
                trainee = Trainee(trial.config, setting, inputs, run, network, device)
                racers.append(Racer(trial.name, trial.seedless, trainee, stack))
        steps = max(trial.config.last_step for trial in trials)
        cuts = cut_steps(config.cuts, steps)
        if racers:
            if stacks:
                many = f"{len(stacks)} of {len(trials)} Gs"
                say(f"{many} step as one with others of their shape (--stack)")
            elif config.stack:
                say("--stack: no two Gs have one shape that can be stacked; each steps alone")
            choice = feed_choice(trials[0].config, setting, device)
            say(f"feed: {choice.reason}")
            with open_feed(setting, choice, device) as feed:
                running = Race(
                    setting,
                    feed,
                    cuts,
                    standing,
                    judged=lambda trainee: _judged(trainee, on_a, feed, device),
                    higher_is_better=on_a is None or on_a.headline.higher_is_better,
                    workers=workers,
                    keep=keep,
                    say=say,
                )
                running.run(racers)
    lines = _lines(trials, standing, ground)
    metric = on_a.headline if on_a else None
    task, space = ground.evidence.task, ground.evidence.space
    return Board(name, ranked(lines, metric), metric, task, space, _encoders(setting))


def _stacks(
    config: Sweep, trials: Sequence[Trial], setting: Setting, device: torch.device
) -> dict[str, Hashable]:
    """Trials that step as one with others, by name, and what those share."""
    if not config.stack and (config.stack is False or device.type != "cuda"):
        return {}
    keys = {}
    for trial in trials:
        network = sketch(trial.config, setting)
        if config.stack or pays(trial.config, setting, network):
            keys[trial.name] = stack_key(trial.config, network, device)
    sizes = Counter(keys.values())
    return {name: key for name, key in keys.items() if key is not None and sizes[key] > 1}


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let each G compute on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _with_all_losses(trials: Sequence[Trial]) -> TransferTraining:
    """A training that reads all arrays that one of the trials reads."""
    plain = next((t.config for t in trials if not t.config.is_head), trials[0].config)
    losses = {name: 1.0 for trial in trials for name in trial.config.weights}
    return plain if plain.is_head else replace(plain, losses=losses)


def _judged(trainee: Trainee, on_a: Judge | None, feed: Any, device: torch.device) -> float:
    """T2's headline figure on A's held-out images, or how much of E2 is explained there."""
    if on_a is not None:
        return on_a.score(trainee.learner.network, device, trainee.config.precision)
    trainee.look(feed)
    return trainee.keeper.last.get("explained_variance") or float("nan")


def _lines(trials: Sequence[Trial], standing: Standing, ground: Ground) -> list[Line]:
    """A line for each trial: what it cost, its scores and, where B has labels, what they say."""
    evidence = ground.evidence
    seen = evidence.seen
    first: dict[str, str] = {}
    for trial in trials:
        first.setdefault(trial.seedless, trial.name)
    networks = {}
    for trial in trials:
        if trial.name not in standing.diverged:
            loaded = load_transfer(trial.config.out, evidence.device)
            networks[trial.name] = Transferred(
                name=trial.name,
                network=loaded.module,
                info=loaded.run.info,
                d2=None if seen is None else seen.d2,
                device=evidence.device,
                configuration=first[trial.seedless],
                precision=trial.config.precision,
            )
    values = score(evidence, list(networks.values()))
    lines = []
    for trial in trials:
        told = Line(
            trial.name,
            "diverged",
            configuration=first[trial.seedless],
            architecture=trial.config.architecture,
            losses=weights_text(trial.config.weights),
        )
        if trial.name in networks:
            told = _measured(told, networks[trial.name], standing, values, ground)
        lines.append(told)
    return lines


def _measured(
    told: Line, network: Transferred, standing: Standing, values: Values, ground: Ground
) -> Line:
    stopped, info, judge = standing.stopped.get(network.name), network.info, ground.on_b
    return replace(
        told,
        state="finished" if stopped is None else f"stopped after {stopped} steps",
        parameters=info["parameters"],
        macs=info["macs"],
        seconds=info["seconds"],
        scores=values[network.name],
        judged={}
        if judge is None
        else judge.figures(network.network, ground.evidence.device, network.precision),
    )


def _encoders(setting: Setting) -> dict[str, str | None]:
    """Which E1 and E2 the Gs of a race lie between; those of one seed share them."""
    found: dict[str, str | None] = {}
    for side, level in (("source", setting.source_level), ("target", setting.target_level)):
        reader = setting.readers.get(side)
        found[f"{side}_level"] = level
        found[side] = None if reader is None else reader.attrs.get("encoder_sha256")
    return found
