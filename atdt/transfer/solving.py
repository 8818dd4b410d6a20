"""What starts from ridge: one pass over the store for all transfer networks that do."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from atdt.progress import progress
from atdt.ranks import ALONE, Ranks
from atdt.transfer.building import transfer_of
from atdt.transfer.feed import Batch
from atdt.transfer.order import Epoch, epoch_order
from atdt.transfer.ridge import Ridge, alike, check_memory
from atdt.transfer.trainee import Feed, Trainee

Mapped = Callable[[Callable, Iterable], Iterable]


def ridges(
    trainees: Sequence[Trainee], feed: Feed, ranks: Ranks = ALONE, mapped: Mapped = map
) -> list[Ridge | None]:
    """What each of `trainees` is to begin with, see `Trainee.begin`; None: as it is.

    Every training sample is read once, whatever their number, and every held-out one; those whose
    linear parts see the same share what is summed and solved.

    Args:
        trainees: of one setting and one order of samples.
        feed: of that setting.
        ranks: that add batches, each its own.
        mapped: calls a function for each of several; that of a pool does so side by side.

    Raises:
        UserError: what is to be solved does not fit the memory.
    """
    networks = [transfer_of(t.learner.network) if t.starts_from_ridge else None for t in trainees]
    kinds = {alike(network): network for network in networks if network is not None}
    check_memory(list(kinds.values()))
    found = {kind: Ridge(network) for kind, network in kinds.items()}
    if found:
        config, setting = trainees[0].config, trainees[0].setting
        order = epoch_order(config.order, 0, setting.geometry, setting.held_out.kept)
        for batch in _one_pass(feed, order, ranks):
            list(mapped(lambda one, new=batch: one.add(new), found.values()))
        for batch in feed.held_out(setting.held_out.samples, config.batch):
            list(mapped(lambda one, new=batch: one.add(new, held_out=True), found.values()))
        list(mapped(lambda one: one.solve(ranks), found.values()))
    return [None if network is None else found[alike(network)] for network in networks]


def _one_pass(feed: Feed, order: Epoch, ranks: Ranks) -> Iterator[Batch]:
    """Every training sample once, with progress; of several ranks, to one of them."""
    with progress("ridge", order.batches, "batches") as advance:
        for batch, samples in zip(feed.batches(order), order.indices(), strict=True):
            if ranks.is_first or len(samples) >= ranks.launch.size:  # else all have all of it
                yield batch
            advance(1)
