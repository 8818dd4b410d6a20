"""Two files of measurements side by side."""

from typing import Any

from benchmarks.harness import Table


def compared(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Every figure that both files have, and whether quartiles still overlap."""
    if before["quick"] != after["quick"]:
        return "one of the two was --quick: nothing to compare"
    table = Table("compared with the earlier file", ("figure", "before", "now", "apart"))
    earlier = dict(_figures(before))
    for name, now in _figures(after):
        if name in earlier:
            table.add(name, _said(earlier[name]), _said(now), _apart(earlier[name], now))
    return table.text()


def _figures(result: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (f"{name}: {key}", value)
        for name, measured in result["measured"].items()
        for table in measured["tables"]
        for key, value in table["figures"].items()
    ]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['median']:.3g} [{value['low']:.3g}–{value['high']:.3g}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _apart(before: Any, now: Any) -> str:
    """ "yes" where the quartiles of two ratios do not overlap."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return ""
    return "yes" if now["low"] > before["high"] or now["high"] < before["low"] else "no"
