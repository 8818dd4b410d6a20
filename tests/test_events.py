"""TensorBoard reads what is written, and goes on where a training was cut off."""

import errno

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer.record_writer import RecordWriter

from atdt.events import Events


def read(folder):
    found = EventAccumulator(str(folder))
    found.Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def write(folder, first, steps):
    events = Events(folder, first)
    for step in steps:
        events.add(step, {"loss": step / 4, "rate": 0.5})
    events.close()


def test_tensorboard_shows_the_values(tmp_path):
    write(tmp_path / "new", 1, [1, 2])
    assert read(tmp_path / "new") == {
        "loss": [(1, 0.25), (2, 0.5)],
        "rate": [(1, 0.5), (2, 0.5)],
    }


def test_what_came_after_the_checkpoint_is_void(tmp_path):
    write(tmp_path, 1, range(1, 6))
    write(tmp_path, 4, [4, 5])
    assert len(list(tmp_path.iterdir())) == 2
    assert [step for step, _ in read(tmp_path)["loss"]] == [1, 2, 3, 4, 5]


def test_a_full_disk_is_an_error_and_no_wait_without_end(tmp_path, monkeypatch):
    events = Events(tmp_path, 1)

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(events._records, "flush", full)
        with pytest.raises(OSError, match="No space left") as caught:
            events.flush()
    assert "tfevents" in caught.value.filename
    events.close()


def test_a_disk_full_from_the_start_leaves_no_file_open(tmp_path, monkeypatch):
    closed = []

    class Full(RecordWriter):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            closed.append(self)
            super().close()

    monkeypatch.setattr("atdt.events.RecordWriter", Full)
    with pytest.raises(OSError, match="No space left") as caught:
        Events(tmp_path, 1)
    assert "tfevents" in caught.value.filename
    assert len(closed) == 1
