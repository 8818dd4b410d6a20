"""URLs on the command line: what takes them, what refuses them, and what is said when it fails."""

import sys

import pytest
from click.testing import CliRunner

from atdt.cli import VERBS, main, options
from atdt.cli.inspect import command as inspect_command
from atdt.provenance import provenance


def one_line(*arguments: str) -> str:
    """What a command that cannot succeed says."""
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == 2, done.output
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_no_such_bucket(s3):
    assert "s3://nowhere/a.zarr: no such bucket" in one_line("verify", "s3://nowhere/a.zarr")
    line = one_line("train", "s3://nowhere/a.zarr", "--from=a", "--to=b", "--out=s3://nowhere/g")
    assert "no such bucket" in line


def test_no_such_store(bucket):
    assert "no such store" in one_line("inspect", f"{bucket}/a.zarr")
    assert "no such store" in one_line("verify", f"{bucket}/a.zarr")


def test_no_credentials(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    line = one_line("verify", "s3://bucket/a.zarr", "--storage-options=default_block_size=1")
    assert "Unable to locate credentials" in line and "AWS_PROFILE" in line


def test_unreachable(s3, monkeypatch):
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    options = "--storage-options=endpoint_url=http://127.0.0.1:9"
    line = one_line("verify", "s3://bucket/a.zarr", options)
    assert "http://127.0.0.1:9" in line and "endpoint" in line


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://", "names no bucket"),
        ("nonsense://bucket/a", "cannot be opened"),
        ("a::b://c/d", "not a URL that can be used"),
    ],
)
def test_no_url(url, message):
    assert message in one_line("verify", url)


def test_an_option_that_the_store_does_not_know_is_named_without_its_value(s3):
    line = one_line("verify", "s3://bucket/a.zarr", "--storage-options=passwort=geheim")
    assert "passwort" in line and "geheim" not in line


@pytest.mark.parametrize("text", ["anon", "{anon: true}", "=1"])
def test_options_that_are_none(text):
    assert "--storage-options" in one_line("verify", "s3://bucket/a", f"--storage-options={text}")


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "upath", None)
    assert "pip install 'atdt[cloud]'" in one_line("verify", "s3://bucket/a.zarr")


def test_what_takes_no_urls_says_so_and_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = one_line("data", "describe", "cityscapes", "here", "--out", "s3://bucket/cityscapes")
    assert "takes no URLs: data sets in their official layouts" in line
    assert "'--out'" in line and "data describe" in line
    assert list(tmp_path.iterdir()) == []


def test_every_path_of_every_verb_is_a_path_or_a_place():
    import click

    with click.Context(main) as ctx:
        for verb in VERBS:
            command = main.get_command(ctx, verb)
            kinds = [param.type for param in command.params]
            assert not any(isinstance(kind, click.Path) for kind in kinds), verb
            takes = any(isinstance(k, options.Place | options.NamedRun) for k in kinds)
            named = [param.name for param in command.params].count("storage_options")
            assert named == (1 if takes else 0), verb


def test_file_urls_are_paths(tmp_path):
    kind = inspect_command.params[0].type
    assert kind.convert(f"file://{tmp_path}", None, None) == tmp_path


def test_what_a_command_line_says_of_secrets_is_not_recorded(monkeypatch):
    said = ["atdt", "train", "--storage-options", "secret=1", "--storage-options=key=2", "--out=g"]
    monkeypatch.setattr(sys, "argv", said)
    wanted = "atdt train --storage-options … --storage-options=… --out=g"
    assert provenance()["command"] == wanted


def test_a_store_in_memory(tmp_path):
    from atdt.stores import open_store
    from tests.made_ground import make_ground
    from tests.made_objects import upload

    ground = make_ground(tmp_path)
    url = upload(ground.store, f"memory://{tmp_path.name}/a.zarr")
    assert open_store(url).plan == open_store(ground.store).plan
    done = CliRunner().invoke(main, ["inspect", url], catch_exceptions=False)
    assert done.exit_code == 0 and url in done.stdout
