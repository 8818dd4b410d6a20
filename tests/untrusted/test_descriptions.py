"""Description files from strangers: nothing is executed; only `root` may lead elsewhere."""

import os

import pytest

from atdt.domains import label_space
from atdt.domains.description import read_description
from atdt.domains.lists import Sample
from atdt.errors import DomainError, UserError
from atdt.training.importing import read_preprocessing

HEAD = 'name = "x"\nlabel_space = "coarse4"\n'
LISTS = '[lists]\ntrain = "train.txt"\n'
DIGITS = "9" * 5000
SPACE = 'name = "s"\nclasses = ["a"]\ncolours = [[0, 0, 0]]\n'


@pytest.fixture
def describe(tmp_path):
    folder = tmp_path / "domain"
    folder.mkdir()
    (folder / "train.txt").write_text("a.png\n")
    (tmp_path / "secret.toml").write_text(SPACE)
    (tmp_path / "secret.txt").write_text("a.png\n")
    (folder / "out").symlink_to(tmp_path)

    def write(text):
        (folder / "domain.toml").write_text(text)
        return folder / "domain.toml"

    return write


@pytest.mark.parametrize(
    "text",
    [
        HEAD + '[lists]\ntrain = "../secret.txt"\n',
        HEAD + '[lists]\ntrain = "/etc/passwd"\n',
        HEAD + '[lists]\ntrain = "out/secret.txt"\n',
        HEAD + '[lists]\ntrain = "a\\u0000b"\n',
        'name = "x"\nlabel_space = "../secret.toml"\n' + LISTS,
        'name = "x"\nlabel_space = "out/secret.toml"\n' + LISTS,
        'name = "x"\nlabel_space = "/secret.toml"\n' + LISTS,
        HEAD + 'file_label_space = "../secret.toml"\n' + LISTS + '[labels]\n0 = "ignore"\n',
        'name = "x"\nlabel_table = "../secret.toml"\n' + LISTS,
        'name = "x"\nlabel_table = "out/secret.toml"\n' + LISTS,
    ],
)
def test_no_path_leaves_the_folder(describe, text):
    with pytest.raises(DomainError, match=r"domain\.toml: .*(without '\.\.'|leads out|followed)"):
        read_description(describe(text))


@pytest.mark.parametrize("camera", ["..", "/etc", "out", "a\\u0000b"])
def test_cameras_lie_below_the_root(describe, camera):
    description = read_description(describe(HEAD + f'camera = "{camera}"\n' + LISTS))
    with pytest.raises(UserError, match=r"without '\.\.'|leads out|followed"):
        description.camera_of(Sample(1, "a.png"), lambda: 1)


@pytest.mark.parametrize("focal", ["1e400", "nan", "-1.0", "0", DIGITS[:400], DIGITS])
def test_absurd_focal_lengths(describe, focal):
    with pytest.raises(DomainError, match=r"domain\.toml: "):
        read_description(describe(HEAD + f"focal = {focal}\n" + LISTS))


@pytest.mark.parametrize("content", [f'{{"focal": {DIGITS}}}', '{"focal": 1e999}', "[" * 10**5])
def test_absurd_camera_files(describe, content):
    description = read_description(describe(HEAD + 'camera = "c"\n' + LISTS))
    (description.root / "c").mkdir()
    (description.root / "c/a.json").write_text(content)
    with pytest.raises(UserError, match=r"c/a\.json"):
        description.camera_of(Sample(1, "a.png"), lambda: 1)


@pytest.mark.parametrize("scale", ["uint16/0", "uint16/" + DIGITS, "uint16/inf", "uint16/1e9"])
def test_absurd_scales(describe, scale):
    with pytest.raises(DomainError, match=r"domain\.toml: depth encoding"):
        read_description(describe(HEAD + LISTS + f'[encodings]\ndepth = "{scale}"\n'))


@pytest.mark.parametrize("key", [DIGITS, "65536", "-1"])
def test_absurd_ids(describe, key):
    with pytest.raises(DomainError, match=r"domain\.toml: \[labels\]"):
        read_description(describe(HEAD + LISTS + f'[labels]\n{key} = "ignore"\n'))


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 10**5, "a" + ".a" * 5000 + " = 1", f"a = {DIGITS}", "a = 1\n" * 2]
)
@pytest.mark.parametrize("read", [read_description, label_space, read_preprocessing])
def test_toml_that_no_reader_can_take(describe, read, text):
    with pytest.raises(UserError, match=r"domain\.toml: "):
        read(describe(text))


@pytest.mark.parametrize("read", [read_description, label_space, read_preprocessing])
def test_a_file_that_would_fill_the_memory_or_never_ends_is_not_read(tmp_path, frugal, read):
    with (tmp_path / "a.toml").open("wb") as file:
        file.truncate(2**40)
    os.mkfifo(tmp_path / "b.toml")
    for name, reason in (("a.toml", "no more than"), ("b.toml", "is not a file")):
        with frugal(), pytest.raises(UserError, match=rf"{name}.*{reason}"):
            read(tmp_path / name)


def test_the_command_line_says_it_in_one_line(describe, tmp_path, refused):
    path = describe(HEAD + '[lists]\ntrain = "../secret.txt"\n')
    options = [
        "--train",
        f"{path}:train",
        "--task",
        "semantic",
        "--steps",
        1,
        "--out",
        tmp_path / "n",
    ]
    assert "domain.toml" in refused("train-task", *options)
