"""Scalars as TensorBoard's event files, written where the caller stands.

torch's SummaryWriter writes on a thread, which a full disk ends without a word, and the training
waits for it for ever.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from atdt.disk import naming


class Events:
    """A new event file in `folder`, which is made where it is missing.

    Args:
        folder: of one training; its files continue each other in the order of their names.
        first: step that will be logged first; what earlier files hold from there on is void.
    """

    def __init__(self, folder: Path, first: int):
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"events.out.tfevents.{time.time():.6f}.{os.getpid()}"
        self._records = RecordWriter(self._path.open("xb"))
        try:
            self._write(file_version="brain.Event:2")
            self._write(step=first, session_log=SessionLog(status=SessionLog.START))
        except BaseException:
            self._records.close()
            raise

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Log `values` by name."""
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(step=step, summary=Summary(value=scalars))

    def flush(self) -> None:
        """Hand everything to the operating system.

        Raises:
            OSError: the disk is full or fails; names the file.
        """
        with naming(self._path):
            self._records.flush()

    def close(self) -> None:
        """Flush, and let go of the file."""
        with naming(self._path):
            self._records.close()

    def _write(self, **content: Any) -> None:
        with naming(self._path):
            self._records.write(Event(wall_time=time.time(), **content).SerializeToString())
