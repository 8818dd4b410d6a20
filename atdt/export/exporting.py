"""`atdt export`: networks become one file, which is checked and timed."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from atdt.devices import pick_device
from atdt.errors import MismatchError, NetworkError, NumericsError
from atdt.export import onnx_file, torch_file
from atdt.export.checking import Call, compare, let_through
from atdt.export.config import Exporting
from atdt.export.deployed import Deployed
from atdt.export.notes import notes
from atdt.export.samples import domain_samples, random_samples
from atdt.export.subject import Subject, load_subject, load_whole
from atdt.export.timing import latencies
from atdt.export.tracing import Frame, trace, trace_sizes
from atdt.files import in_the_making
from atdt.progress import progress
from atdt.provenance import torch_threads
from atdt.sizes import said

FORMS: dict[str, ModuleType] = {"torch": torch_file, "onnx": onnx_file}
Say = Callable[[str], None]


def export(config: Exporting, say: Say = lambda line: None) -> Path:
    """Write what predicts a task on images into one file, and prove that it does.

    The file is loaded anew and run beside the networks before it gets its name: a file that is
    there has passed.

    Args:
        say: called with each line that a user should see: how far the file is from PyTorch, its
            size and latency, and the baseline's.

    Returns:
        the file, `config.out`.

    Raises:
        NumericsError: the file does not predict what the networks do; it is deleted.
        MismatchError: E1, G and D2 do not belong together, or the baseline has another task.
        RunError: a run that is absent, unfinished or damaged.
        NetworkError: a network that cannot be exported.
        DomainError: the images cannot be used.
        UserError: an option, or `config.out` is there already.
    """
    config.check()
    FORMS[config.form].check_installed()
    device = pick_device("cpu" if config.form == "onnx" else config.device)
    if config.on is None:
        samples = random_samples(config.size)
    else:
        samples = domain_samples(config.on, config.size)
    subject = load_subject(config, samples.size, device)
    baseline = _baseline(config, subject, device)
    batches = samples.batches(config.batch, config.input, device)
    on = f"{len(samples.images)} {samples.origin}"
    with progress(f"export {config.run.name}", 3, "steps") as advance:
        advance(0, "write")
        with in_the_making(config.out) as file:
            made = _make(config, subject, file, batches[-1])
            if made.frame.step is not None:
                other = random_samples(made.frame.another_size)
                batches = [*other.batches(config.batch, config.input, device), *batches]
                on += f" and {len(other.images)} random ones of another size"
            advance(1, "check")
            lines = _checked(config, made, batches, on)
        for line in (*(f"mismatch allowed: {line}" for line in subject.mismatch), *lines):
            say(line)
        advance(1, "time")
        _time(config, made, baseline, batches[-1], say)
        advance(1)
    return config.out


@dataclass(frozen=True)
class Made:
    """A file that was written, and loaded anew.

    Attributes:
        deployed: what it was made from.
        frame: the images that it takes.
        call: images -> what it puts out.
        size: in bytes.
    """

    deployed: Deployed
    frame: Frame
    call: Call
    size: int


def _make(config: Exporting, subject: Subject, file: Path, images: Tensor) -> Made:
    """Write `file` for images like these."""
    form = FORMS[config.form]
    deployed = Deployed(
        subject.network, subject.task, raw=config.raw, precision=config.precision
    ).eval()
    frame = Frame(tuple(images.shape[-2:]), config.batch)
    if config.dynamic_size:
        traced = trace_sizes(deployed, frame, images, subject.stride)
    else:
        traced = trace(deployed, frame, images)
    with torch.inference_mode():
        output = deployed(images)
    form.write(traced, file, notes(config, subject, traced, output, form.LIBRARIES))
    return Made(deployed, traced.frame, form.load(file), file.stat().st_size)


def _checked(config: Exporting, made: Made, batches: list[Tensor], on: str) -> list[str]:
    """What to say of a file that predicts what PyTorch does.

    Raises:
        NumericsError: it does not.
    """
    check, bound = compare(made.deployed, made.call, batches), config.tolerance
    if bound is None:
        bound = let_through(made.deployed, batches, check.difference)
    apart = f"differs from PyTorch by {check.difference:.2g} of the largest output"
    if not check.difference <= bound:
        raise NumericsError(
            f"{config.out}: not written: it {apart}, more than {bound:.2g} (--tolerance)"
        )
    lines = [f"{apart}, on {on}; up to {bound:.2g} is rounding"]
    if check.pixels:
        lines.append(f"{check.changed} of {check.pixels} pixels have another class")
    return lines


def _time(
    config: Exporting, made: Made, baseline: Subject | None, images: Tensor, say: Say
) -> None:
    """Say how large and how fast the file is, beside the baseline in a file of the same kind."""
    files = {config.out.name: made}
    if baseline is not None:
        name = f"baseline {baseline.runs['network']['name']}"
        plain = replace(config, dynamic_size=False)
        with tempfile.TemporaryDirectory() as folder:
            try:
                files[name] = _make(plain, baseline, Path(folder, config.out.name), images)
            except NetworkError as error:
                say(f"{name}: not timed, {error}")
    times = latencies({name: one.call for name, one in files.items()}, images)
    for name, latency in times.items():
        say(f"{name}: {latency}, {said(files[name].size)}")
    batch, _, height, width = images.shape
    say(
        f"median [quartiles] of {times[config.out.name].runs} runs: batch {batch}, "
        f"{height}x{width}, {images.device.type}, threads {torch_threads()}"
    )


def _baseline(config: Exporting, subject: Subject, device: torch.device) -> Subject | None:
    """What is timed beside, where there is something."""
    path = config.baseline or subject.baseline
    if path is None:
        return None
    baseline = load_whole(path, device, config.allow_import)
    if baseline.task.name != subject.task.name:
        raise MismatchError(
            f"--baseline {path}: predicts {baseline.task.name}, but {config.run} predicts "
            f"{subject.task.name}"
        )
    return baseline
