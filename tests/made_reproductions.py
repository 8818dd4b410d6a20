"""`atdt reproduce` in process, as small as it can be."""

from click.testing import CliRunner, Result

from atdt.cli import main

SMALL = ("--preset", "smoke", "--seed", "0", "--no-rivals", "--curve", "")
LEAST = [f"--set={option}=2" for option in ("steps", "transfer_steps", "train", "test")]


def run(*arguments: object) -> Result:
    """What the command leaves."""
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])
