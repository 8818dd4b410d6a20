"""A frame as ordinary files, in the layout that `atdt.domains` opens."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from atdt.domains.encodings import write_depth, write_normals, write_png
from atdt.domains.streets.camera import BASELINE_METRES, CAMERAS
from atdt.domains.streets.config import RenderConfig, style_of
from atdt.domains.streets.frame import Frame, render_frame
from atdt.files import write_atomic
from atdt.texts import write_json

DEPTH_ENCODING = "rgb24-1000m"


def frame_files(split: str, index: int, right: bool) -> dict[str, str]:
    """The files of a frame, relative to its domain's folder; the last one is written last."""
    kinds = ["image", *(["right"] if right else []), "semantic", "depth", "normals"]
    files = {kind: f"{split}/{kind}/{index:06d}.png" for kind in kinds}
    return files | {"camera": f"{split}/camera/{index:06d}.json"}


def write_frame(folder: Path, files: dict[str, str], frame: Frame) -> None:
    """Write a frame below its domain's folder; its camera file says that all others are there."""
    write_png(folder / files["image"], frame.image)
    if frame.right is not None:
        write_png(folder / files["right"], frame.right)
    write_png(folder / files["semantic"], frame.semantic)
    write_depth(folder / files["depth"], frame.depth.astype(np.float32), DEPTH_ENCODING)
    write_normals(folder / files["normals"], frame.normals)
    write_json(folder / files["camera"], frame.camera)


def render_frames(config: RenderConfig, domain: str, split: str, indices: Iterable[int]) -> int:
    """Render and write some frames; the number of them is given back (the work of one process)."""
    done = 0
    for index in indices:
        frame = render_frame(
            config.pair, domain, split, index,
            seed=config.seed, size=config.size, knobs=config.knobs, right=config.right,
        )  # fmt: skip
        write_frame(config.out / domain, frame_files(split, index, config.right), frame)
        done += 1
    return done


def write_domain(config: RenderConfig, domain: str) -> Path:
    """Write a domain's lists (image;right;semantic;depth;normals) and its domain.toml."""
    folder = config.out / domain
    splits = [split for split, count in config.counts().items() if count]
    for split in splits:
        lines = []
        for index in range(config.counts()[split]):
            files = frame_files(split, index, config.right)
            kinds = ("image", "right", "semantic", "depth", "normals")
            lines.append(";".join(files.get(kind, "_") for kind in kinds) + "\n")
        write_atomic(folder / f"{split}.txt", "".join(lines).encode())
    camera = CAMERAS[style_of(config.pair, domain, config.knobs).camera]
    focal = camera.focal_share * config.size[1]
    baseline = f"baseline = {BASELINE_METRES!r}\n" if config.right else ""
    lists = "".join(f'{split} = "{split}.txt"\n' for split in splits)
    text = (
        f'name = "{config.pair}-{domain}"\nroot = "."\nlabel_space = "shared11"\n'
        f"focal = {focal!r}\n{baseline}\n[lists]\n{lists}\n"
        f'[encodings]\nsemantic = "ids"\ndepth = "{DEPTH_ENCODING}"\nnormals = "rgb8"\n\n'
        f"[mount]\nheight = {camera.height!r}\npitch = {camera.pitch!r}\n"
    )
    return write_atomic(folder / "domain.toml", text.encode())
