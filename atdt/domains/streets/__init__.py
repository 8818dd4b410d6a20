"""Streets: a pair of procedural road-scene domains with exact labels, rendered by ray casting."""

from pathlib import Path

from atdt.domains.streets.config import KNOBS, PAIRS, VERSION, RenderConfig

__all__ = ["KNOBS", "PAIRS", "VERSION", "RenderConfig", "render"]


def render(config: RenderConfig) -> Path:
    """Render a pair into a folder; see `atdt.domains.streets.rendering.render`."""
    from atdt.domains.streets.rendering import render as run

    return run(config)
