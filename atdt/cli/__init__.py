"""The command line: each verb lives in a module of its own name and is imported when it is used."""

import importlib
import os
import sys
from typing import Any

import click

from atdt import __version__
from atdt.errors import UserError

# In the order of the road from images to a report.
VERBS = (
    "render",
    "train-task",
    "import",
    "extract",
    "inspect",
    "verify",
    "train",
    "decode",
    "predict",
    "adapt-bn",
    "evaluate",
    "demo",
)


class Road(click.Group):
    """A group whose commands are modules beside this one; a user's mistake becomes one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"atdt.cli.{module_name(name)}")
        return module.command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise OneLine(" ".join(str(error).split())) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise OneLine(f"{error.filename}: {error.strerror}") from error


class OneLine(click.ClickException):
    """Click's own way to end with a message, with the exit code of a usage error."""

    exit_code = 2


def module_name(verb: str) -> str:
    """The module that holds a verb: `import` and dashes are no Python names."""
    return "import_" if verb == "import" else verb.replace("-", "_")


@click.group(cls=Road, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="atdt")
def main() -> None:
    """Learn task 2 on a domain without its labels: extract features, train G, decode."""
    if "torch" not in sys.modules:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # no driver chatter on CPU machines
