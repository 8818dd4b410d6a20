"""The processes ("ranks") that train one network together, as torchrun starts them.

Each takes its part of every batch. A loss is a mean over the whole batch, often over those of its
pixels that have a label, so that the mean of the ranks' means would be another one: each rank
weighs its own by its share, and gradients are summed. torch's DistributedDataParallel averages
instead, and knows one network with one backward pass a step, where a training here may have several
decoders; so the sum is taken by torch.distributed itself, in one message a step.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from atdt.devices import pick_device
from atdt.errors import RunError, ToldError, UserError
from atdt.launch import Launch, launch
from atdt.runs import Run, load_checkpoint
from atdt.shared import nameless

PATIENCE = timedelta(minutes=10)  # with a rank that does not answer; all wait while one saves
_JOINED = count()  # keeps what several trainings of one process say to the store apart


@dataclass(frozen=True)
class Ranks:
    """All ranks as one of them sees them. All must call the same methods in the same order.

    Attributes:
        launch: which one this is.
        device: where it computes.
    """

    launch: Launch
    device: torch.device

    @property
    def alone(self) -> bool:
        """Whether there is one, for which every method is free."""
        return self.launch.size == 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes and speaks."""
        return self.launch.is_first

    def part(self, samples: int) -> slice:
        """Which of the samples of a batch are this rank's: neighbours, as many as others' to 1. Of
        fewer samples than there are ranks each has all: networks want at least one."""
        rank, size = self.launch.rank, self.launch.size
        if samples < size:
            return slice(0, samples)
        return slice(samples * rank // size, samples * (rank + 1) // size)

    def weight(self, samples: int) -> float:
        """What the mean over this rank's part of so many samples must be multiplied by, so that the
        products of all ranks add up to the mean over all."""
        part, size = self.part(samples), self.launch.size
        return 1 / size if samples < size else (part.stop - part.start) / samples

    def share(self, counted: Tensor) -> Tensor:
        """What the mean over this rank's part must be multiplied by, so that the products of all
        ranks add up to the mean over the batch.

        Args:
            counted: a scalar, how much the mean is over; means of less than 1 are over 1, see
                `atdt.tasks.base.mean_over_pixels`.
        """
        total = counted.double()
        self.add_up([total])
        return (counted.clamp(min=1) / total.clamp(min=1)).float()

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each by its sum over all ranks, the same to the bit on all, in one message."""
        if self.alone:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _answered():
            dist.all_reduce(flat)
        for tensor, total in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(total.view(tensor.shape))

    @torch.no_grad()
    def meet(self, module: nn.Module, losses: Tensor, share: float) -> None:
        """After the backward pass of a step: sum gradients and `losses` in place, and average what
        batch norm has seen of each rank's samples, so that all have the same.

        Args:
            losses: this rank's part of them.
            share: `weight` of the batch.
        """
        if self.alone:
            return
        learnt = [p for p in module.parameters() if p.requires_grad]
        for parameter in learnt:
            if parameter.grad is None:  # not reached here; all ranks must send the same
                parameter.grad = torch.zeros_like(parameter)
        statistics = [
            statistic
            for layer in module.modules()
            if _is_of_one_rank(layer) and layer.training and layer.track_running_stats
            for statistic in (layer.running_mean, layer.running_var)
        ]
        for statistic in statistics:
            statistic.mul_(share)
        self.add_up([*(parameter.grad for parameter in learnt), *statistics, losses])

    def start_alike(self, module: nn.Module) -> None:
        """Give all ranks the first one's weights and statistics."""
        if self.alone:
            return
        for tensor in module.state_dict().values():
            whole = tensor.contiguous()
            with _answered():
                dist.broadcast(whole, 0)
            tensor.copy_(whole)

    def draw_apart(self, *words: int) -> None:
        """Let torch's random numbers depend on `words`, such as the step, and on the rank."""
        if not self.alone:
            state = np.random.SeedSequence([*words, self.launch.rank]).generate_state(1, np.uint64)
            torch.manual_seed(int(state[0]))

    def first_makes[Made](self, make: Callable[[], Made]) -> Made:
        """What the first rank makes, on all."""
        if self.alone:
            return make()
        made = [make() if self.is_first else None]
        with _answered():
            dist.broadcast_object_list(made, 0)
        return made[0]

    def loaded(self, run: Run) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The checkpoint of a run, see `load_checkpoint`, read by each.

        Raises:
            RunError: they see other ones, on machines that do not share the folder.
        """
        found = load_checkpoint(run)
        steps = self.gathered(found and found[1]["step"])
        if len(set(steps)) > 1:
            raise RunError(
                f"{run.path}: the ranks see checkpoints of steps {', '.join(map(str, steps))}; all "
                "machines must share this folder"
            )
        return found

    def first_holds(self, held: AbstractContextManager[Any]) -> AbstractContextManager[Any]:
        """`held` on the first rank, nothing on others."""
        return held if self.is_first else nullcontext()

    def gathered[Value](self, value: Value) -> list[Value]:
        """The values of all ranks, in their order."""
        if self.alone:
            return [value]
        found: list[Any] = [None] * self.launch.size
        with _answered():
            dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """For all others to come here."""
        self.add_up([torch.zeros(1)])

    def empty(self, shape: Sequence[int], dtype: torch.dtype, pinned: bool = False) -> Tensor:
        """Main memory, not initialised; one piece, which all ranks of this machine see.

        Args:
            pinned: copies to a GPU are faster from such memory; of one alone.
        """
        local = self.launch
        if self.alone or 0 in shape:
            return torch.empty(shape, dtype=dtype, pin_memory=pinned)
        with nameless() if local.local_rank == 0 else nullcontext() as own:
            # torchrun numbers the ranks of a machine in a row.
            path = self.gathered(own)[local.rank - local.local_rank]
            flat = torch.from_file(path, shared=True, size=math.prod(shape), dtype=dtype)
            self.wait()
        return flat.view(*shape)

    def mine_of_machine(self, items: Sequence[Any]) -> Sequence[Any]:
        """Those that this rank does, where the ranks of each machine do all of them."""
        return items[self.launch.local_rank :: self.launch.local_size]

    def mine(self, items: Sequence[Any]) -> Sequence[Any]:
        """Those that this rank does, where all ranks do all of them; they take turns."""
        return items[self.launch.rank :: self.launch.size]

    def check_batch(self, batch: int) -> None:
        """Refuse a batch that cannot be divided.

        Raises:
            UserError: naming it.
        """
        if batch % self.launch.size:
            raise UserError(
                f"--batch {batch}: is of all {self.launch.size} ranks together; give a multiple of "
                f"{self.launch.size}"
            )

    def normalised_together(self, module: nn.Module) -> nn.Module:
        """`module` with batch norm over the whole batch, where there is such a thing: on GPUs."""
        if self.alone or self.device.type != "cuda":
            return module
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)

    def said(self, module: nn.Module, batch: int) -> list[str]:
        """What a user should know of a training of `module` by several ranks, a line each."""
        if self.alone:
            return []
        kinds = list(module.modules())
        size = self.launch.size
        lines = [f"{size} ranks, which take {batch // size} of the {batch} samples of a batch each"]
        if any(map(_is_of_one_rank, kinds)):
            lines.append(
                "note: on a CPU batch norm sees the samples of each rank alone, so that the "
                "numbers are not those of one process; norm=group has no such difference"
            )
        if any(isinstance(m, _DropoutNd) and m.p for m in kinds):
            lines.append(
                "note: each rank draws its own dropout, so that the numbers are not those of one "
                "process"
            )
        return lines


ALONE = Ranks(Launch(), torch.device("cpu"))


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """The ranks that torchrun started, within it; all leave it together.

    Args:
        device: see `pick_device`; each rank takes a GPU of its own.

    Raises:
        UserError: the device cannot be had, or another rank is gone.
        ToldError: another rank failed first; whoever catches it has nothing to say.
    """
    own = launch()
    if own.size == 1:
        yield Ranks(own, pick_device(device))
        return
    store = dist.PrefixStore(f"atdt{next(_JOINED)}", _met())
    try:
        ranks = Ranks(own, _own_device(device, own))
        on_gpu = ranks.device.type == "cuda"
        if on_gpu:
            torch.cuda.set_device(ranks.device)
        with _answered():
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
                store=store,
                rank=own.rank,
                world_size=own.size,
                timeout=PATIENCE,
            )
        yield ranks
        ranks.wait()
    except KeyboardInterrupt:
        if own.is_first:  # it says so, see the command line
            _is_told(store)
        raise
    except Exception as error:
        if _is_told(store):
            raise ToldError("another rank failed") from error
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


@cache
def _met() -> dist.Store:
    """Where all ranks meet, once a process: a server that one training ends and the next starts
    again on the same port can be asked by a rank that is ahead, which then waits for ever."""
    with _answered():
        store, _, _ = next(dist.rendezvous("env://"))
    return store


def _is_of_one_rank(layer: nn.Module) -> bool:
    """Whether it is batch norm over the samples of one rank."""
    return isinstance(layer, _BatchNorm) and not isinstance(layer, nn.SyncBatchNorm)


def _own_device(name: str, own: Launch) -> torch.device:
    device = pick_device(name)
    if device.type != "cuda":
        return device
    if device.index is not None:
        raise UserError(f"--device {name}: each rank takes a GPU of its own; give --device cuda")
    if own.local_size > torch.cuda.device_count():
        raise UserError(
            f"{own.local_size} ranks on this machine, which has {torch.cuda.device_count()} GPUs; "
            "start no more than these, or give --device cpu"
        )
    return torch.device("cuda", own.local_rank)


def _is_told(store: "dist.Store") -> bool:
    """Whether another rank was the first to fail; the first one is who asks first."""
    try:
        return store.add("failed", 1) > 1
    except RuntimeError:  # it ended with the process that held it
        return False


@contextmanager
def _answered() -> Iterator[None]:
    """Within it all ranks take part.

    Raises:
        UserError: one does not.
    """
    try:
        yield
    except RuntimeError as error:
        raise UserError(
            f"another rank is gone, or did not answer for {PATIENCE}: was it killed, or out of "
            "memory? The same command with --resume goes on"
        ) from error
