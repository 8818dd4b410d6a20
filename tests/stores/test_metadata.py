"""Zarr's settings, which are of the whole process, while several threads want them strict."""

import threading

import zarr

from atdt.stores.metadata import strict_zarr

KEY = "array.read_missing_chunks"


def test_the_last_thread_that_has_done_makes_settings_what_they_were():
    before = zarr.config.get(KEY)
    assert before is True
    inside, leave = threading.Event(), threading.Event()

    def other():
        with strict_zarr():
            inside.set()
            assert leave.wait(60)

    thread = threading.Thread(target=other)
    with strict_zarr():
        thread.start()
        assert inside.wait(60)
    assert zarr.config.get(KEY) is False  # the other is at it still
    leave.set()
    thread.join()
    assert zarr.config.get(KEY) is True
