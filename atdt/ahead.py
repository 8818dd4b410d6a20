"""Work that threads do ahead of the one that needs it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from atdt.process import step_back

THREADS = 2  # one reads while another computes; more take the processors from the network
DEPTH = 4  # items; enough to ride out one that is slow to decode


def ahead[Item, Made](
    make: Callable[[Item], Made], items: Iterable[Item], threads: int = THREADS, depth: int = DEPTH
) -> Iterator[Made]:
    """Yield `make(item)` for each item, in order, made by threads up to `depth` items ahead.

    Close the iterator to stop the threads (`contextlib.closing`); an error of `make` is raised
    where its result would have come.
    """
    pending: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(threads, "ahead", initializer=step_back) as pool:
        try:
            for item in items:
                pending.append(pool.submit(make, item))
                if len(pending) > depth:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
