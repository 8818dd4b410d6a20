"""Work ahead: in order, not too far, and threads that end."""

import threading
from contextlib import closing

from atdt.ahead import ahead


def test_ahead_keeps_the_order_and_its_threads_end():
    gate = threading.Event()

    def make(item):
        if item == 0:
            gate.wait(10)
        if item == 3:
            gate.set()
        return item * 10

    with closing(ahead(make, range(20), threads=2, depth=4)) as made:
        assert list(made) == [item * 10 for item in range(20)]
    with closing(ahead(make, range(1000), threads=2, depth=4)) as made:
        assert next(made) == 0
    assert not [t for t in threading.enumerate() if t.name.startswith("ahead")]


def test_ahead_reads_no_further_than_told():
    started = []
    with closing(ahead(started.append, range(100), threads=1, depth=4)) as made:
        next(made)
        next(made)
    assert len(started) <= 6
