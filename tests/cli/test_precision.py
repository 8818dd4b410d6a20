"""Who asks for bfloat16 is told where it is the slower one."""

import click
import pytest
from click.testing import CliRunner

from atdt.cli import options

SLOW = "--precision bfloat16: this processor does not multiply it itself, so float32 is far faster"


@click.command
@options.precision
def verb(precision: str) -> None:
    click.echo(precision)


@click.command
@options.precision_elsewhere
def export(precision: str) -> None:
    click.echo(precision)


@pytest.mark.parametrize(
    ("command", "asked", "has", "said"),
    [
        (verb, "bfloat16", False, [SLOW]),
        (verb, "bfloat16", True, []),
        (verb, "float32", False, []),
        (export, "bfloat16", False, []),
    ],
)
def test_it_is_said_where_float32_is_faster(command, asked, has, said, monkeypatch):
    monkeypatch.setattr("atdt.devices.has_bfloat16", lambda device: has)
    done = CliRunner().invoke(command, ["--precision", asked])
    assert (done.exit_code, done.stdout.strip()) == (0, asked)
    assert done.stderr.splitlines() == said
