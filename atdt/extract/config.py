"""What an extraction is told."""

from dataclasses import dataclass, field
from pathlib import Path

from atdt.cluster import Cluster
from atdt.devices import PRECISIONS
from atdt.domains import LABEL_KINDS, ViewPlan
from atdt.errors import UserError
from atdt.later import LATER
from atdt.stores.layout import check_keep_bits

ALL_LEVELS = "all"
DTYPES = ("float16", "float32")
COMPRESSORS = ("none", "zstd", "lz4")
VIEWS = 6  # of each image; G on plain features alone falls behind the baseline on B


@dataclass(frozen=True)
class Extraction:
    """Features of frozen encoders, and labels, of a domain under a plan of views.

    Attributes:
        domain: spec of the domain, "PATH[:SPLIT][@N]".
        encoders: pairs (name, run of a task network); the run's task is the name where it is None.
        out: the feature store, which is made or added to.
        levels: names of levels, taken from each encoder; the deepest of each when empty, every one
            when ("all",).
        plan: the views; 6 of each image by default, of which the first is plain.
        labels: kinds of label that are stored under the same views.
        pseudo_labels: predictions folders that stand for labels of their tasks, stored likewise.
        dtype: "float16" or "float32".
        compressor: "none", "zstd" or "lz4".
        keep_bits: bits of the mantissa that features keep; all when None.
        samples_per_shard: of a new store; from the sizes when None.
        batch: samples a forward pass. Batches are cut on the sample index within each block.
        device, precision: see `atdt.devices`.
        resume: finish arrays that an extraction was stopped in.
        overwrite: names of encoders, or "labels/KIND", whose arrays at `levels` are replaced.
        skip_bad: leave out images that cannot be used.
        allow_import: import the module that a run names, if its network is a user's own.
        threads: that each process computes with; torch's own choice, or the workers', when None.
        cluster: workers that compute; this process when None.
    """

    domain: str
    encoders: tuple[tuple[str | None, Path], ...]
    out: Path
    levels: tuple[str, ...] = ()
    plan: ViewPlan = field(default_factory=lambda: ViewPlan(views=VIEWS, photometric="paper"))
    labels: tuple[str, ...] = ()
    dtype: str = "float16"
    compressor: str = "none"
    keep_bits: int | None = None
    samples_per_shard: int | None = None
    batch: int = 16
    device: str = "auto"
    precision: str = "float32"
    resume: bool = False
    overwrite: tuple[str, ...] = ()
    skip_bad: bool = False
    allow_import: bool = False
    threads: int | None = field(default=None, metadata=LATER)
    cluster: Cluster | None = field(default=None, metadata=LATER)
    pseudo_labels: tuple[Path, ...] = field(default=(), metadata=LATER)

    def check(self) -> None:
        """Refuse values that cannot be meant.

        Raises:
            UserError: naming the option and the value.
        """
        if self.resume and self.overwrite:
            raise UserError(
                f"--resume and --overwrite {self.overwrite[0]} exclude each other: "
                "go on, or start anew?"
            )
        if not (self.encoders or self.labels or self.pseudo_labels):
            raise UserError(
                "nothing to extract: give --encoder RUN, --labels KIND or --pseudo FOLDER"
            )
        for option, value in (("batch", self.batch), ("samples-per-shard", self.samples_per_shard)):
            if value is not None and value < 1:
                raise UserError(f"--{option} {value}: must be ≥ 1")
        for option, values, known in (
            ("--dtype", (self.dtype,), DTYPES),
            ("--compressor", (self.compressor,), COMPRESSORS),
            ("--precision", (self.precision,), PRECISIONS),
            ("--labels", self.labels, LABEL_KINDS),
        ):
            for value in values:
                if value not in known:
                    raise UserError(f"{option} {value}: choose one of {', '.join(known)}")
        if self.cluster is not None:
            self.cluster.check(self.device)
        check_keep_bits(self.keep_bits, self.dtype, self.compressor)
