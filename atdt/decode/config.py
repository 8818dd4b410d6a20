"""What `decode` and `predict` are told."""

from dataclasses import dataclass, field
from pathlib import Path

from atdt.cluster import Cluster
from atdt.errors import UserError
from atdt.later import LATER

DEPTH_FORMATS = ("npy", "png")
SAVE_DTYPES = ("float16", "float32")
MISMATCHES = ("encoder", "preprocessing")


@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written, where and how; shared by `decode` and `predict`.

    Attributes:
        out: the predictions folder.
        resize, crop, pad: (height, width); the images as the networks see them, in this order.
        batch: images of one size at a time.
        device, precision: see `atdt.devices`.
        depth_format: "npy" (float32 metres) or "png" (16 bits, metres × 256, up to 255 m).
        save_logits: keep the decoder's output of each image, (C, h, w).
        save_features: keep the features that the decoder was given, (C, h, w).
        save_dtype: of the two, "float16" or "float32".
        resume, overwrite: go on with, or replace, what is in `out`.
        skip_bad: leave out images that cannot be used.
        allow_import: import the module that a run names, if it is the user's own.
        threads: that each process computes with; torch's own choice, or the workers', when None.
        cluster: workers that compute; this process when None.
    """

    out: Path
    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    pad: tuple[int, int] | None = None
    batch: int = 8
    device: str = "auto"
    precision: str = "float32"
    depth_format: str = "npy"
    save_logits: bool = False
    save_features: bool = False
    save_dtype: str = "float16"
    resume: bool = False
    overwrite: bool = False
    skip_bad: bool = False
    allow_import: bool = False
    threads: int | None = field(default=None, metadata=LATER)
    cluster: Cluster | None = field(default=None, metadata=LATER)

    def check(self) -> None:
        """Refuse values that cannot be meant.

        Raises:
            UserError: naming the option and the value.
        """
        if self.batch < 1:
            raise UserError(f"--batch {self.batch}: must be ≥ 1")
        if self.cluster is not None:
            self.cluster.check(self.device)
        for option, value, known in (
            ("--depth-format", self.depth_format, DEPTH_FORMATS),
            ("--save-dtype", self.save_dtype, SAVE_DTYPES),
        ):
            if value not in known:
                raise UserError(f"{option} {value}: choose one of {', '.join(known)}")


@dataclass(frozen=True, kw_only=True)
class Decoding(Output):
    """D2(G(E1(x))) on the images of a domain, or on a store of it that holds E1.

    Attributes:
        transfer: run of G (or of a head on E1, which needs no decoder).
        domain: spec of the domain; give this or `store`.
        store: a feature store of the domain; the plain view of each image is decoded.
        array: E1's array in the store; the name it was trained under when None.
        encoder: run of N1, to decode a domain; when None the one that the transfer run saw, if it
            lies in the folder in which that run lies, or below.
        decoder: run of N2; likewise.
        allow_mismatch: "encoder" and "preprocessing" let through what does not belong together.
    """

    transfer: Path
    domain: str | None = None
    store: Path | None = None
    array: str | None = None
    encoder: Path | None = None
    decoder: Path | None = None
    allow_mismatch: tuple[str, ...] = ()

    def check(self) -> None:
        """See `Output.check`; also what excludes each other."""
        super().check()
        if (self.domain is None) == (self.store is None):
            raise UserError("give the images to decode by --domain or by --store, one of them")
        if self.store is not None and (self.resize or self.crop or self.pad or self.skip_bad):
            raise UserError(
                f"--store {self.store}: its views are made already; --resize, --crop, --pad and "
                "--skip-bad need --domain"
            )
        if self.store is not None and self.encoder is not None:
            raise UserError(
                f"--encoder {self.encoder}: a --store holds what E1 makes; leave it out"
            )
        if self.domain is not None and self.array is not None:
            raise UserError(f"--array {self.array}: names an array of a --store")
        for word in self.allow_mismatch:
            if word not in MISMATCHES:
                raise UserError(f"--allow-mismatch {word}: choose one of {', '.join(MISMATCHES)}")


@dataclass(frozen=True, kw_only=True)
class Prediction(Output):
    """A task network on the images of a domain: the baseline, the oracle.

    Attributes:
        run: the task network's run.
        domain: spec of the domain.
    """

    run: Path
    domain: str
