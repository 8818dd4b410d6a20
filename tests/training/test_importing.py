"""Networks trained elsewhere: taken with all their weights or not at all, and never executed."""

import pickle
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from atdt.digests import sha256_file
from atdt.errors import NetworkError, UserError
from atdt.networks import NetworkSpec, build_network
from atdt.networks.weights import read_weights
from atdt.runs import open_run
from atdt.training import NetworkImport, import_network, load_task_network, train_task
from atdt.training.weights import matched

TINY = NetworkSpec("tiny", {})
CUT = st.sampled_from([0.0, 0.3, 0.9, 1.0])


@pytest.fixture(scope="module")
def weights():
    return build_network(TINY, 4, seed=7).state_dict()


@pytest.fixture
def job(tmp_path, weights):
    save_file(weights, tmp_path / "w.safetensors")
    (tmp_path / "pre.toml").write_text("mean = [0.4, 0.5, 0.6]\nstd = [0.2, 0.2, 0.3]\n")
    return NetworkImport(
        network=TINY,
        weights=tmp_path / "w.safetensors",
        task="semantic",
        label_space="coarse4",
        preprocessing=tmp_path / "pre.toml",
        out=tmp_path / "run",
        unscored=True,
        device="cpu",
    )


def test_a_network_comes_in_with_weights_and_preprocessing(job, weights):
    loaded = load_task_network(import_network(job))
    assert loaded.network.mean == (0.4, 0.5, 0.6)
    assert loaded.network.std == (0.2, 0.2, 0.3)
    assert loaded.space.name == "coarse4"
    assert loaded.task.name == "semantic"
    for name, tensor in loaded.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
    imported = loaded.run.info["imported"]
    assert imported["weights_sha256"] == sha256_file(job.weights)
    assert loaded.run.info["scores"] == {}


def wrapped(weights, how):
    return {
        "plain": weights,
        "state_dict": {"state_dict": weights, "epoch": 3},
        "model": {"model": weights},
        "parallel": {f"module.{name}": tensor for name, tensor in weights.items()},
    }[how]


@pytest.mark.parametrize("how", ["plain", "state_dict", "model", "parallel"])
def test_checkpoints_of_torch_are_read_however_they_are_wrapped(job, weights, tmp_path, how):
    torch.save(wrapped(weights, how), tmp_path / "w.pth")
    path = import_network(replace(job, weights=tmp_path / "w.pth"))
    found = open_run(path).weights()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_the_score_is_told_beside_that_of_fresh_weights(config, job, domain_a, tmp_path):
    trained = train_task(
        config(
            steps=40, checkpoint_every=500, batch=4, learning_rate=3e-3, out=tmp_path / "trained"
        )
    )
    (tmp_path / "pre.toml").write_text("mean = [0, 0, 0]\nstd = [1, 1, 1]\n")
    scored = replace(
        job,
        weights=trained / "weights.safetensors",
        domain=f"{domain_a}:val",
        unscored=False,
        minimum_score=0.4,
    )
    said = []
    info = open_run(import_network(scored, say=said.append)).info
    again = open_run(trained).info["chosen"]["domains"][f"{domain_a}:val"]
    assert info["scores"]["miou"] == pytest.approx(again["miou"])
    assert info["imported"]["scores_of_fresh_weights"]["miou"] < info["scores"]["miou"]
    too_high = replace(scored, minimum_score=0.999, out=tmp_path / "refused")
    with pytest.raises(NetworkError, match=r"miou 0\.\d+ on .*worse than the 0.999"):
        import_network(too_high)
    assert not too_high.out.exists()
    assert f"miou {info['scores']['miou']:.4f} on 16 images of {domain_a}:val" in said[-1]


def test_lower_scores_pass_where_lower_is_better(job, domain_a, tmp_path):
    depth = build_network(TINY, 1, seed=7).state_dict()
    save_file(depth, tmp_path / "depth.safetensors")
    job = replace(job, task="depth", weights=tmp_path / "depth.safetensors")
    scored = replace(job, domain=f"{domain_a}:val", unscored=False, images=2)
    import_network(replace(scored, minimum_score=1e6))
    with pytest.raises(NetworkError, match=r"abs_rel .* worse than the 1e-06"):
        import_network(replace(scored, minimum_score=1e-6, overwrite=True))
    broken = {
        name: tensor * torch.nan for name, tensor in depth.items() if tensor.is_floating_point()
    }
    save_file(depth | broken, scored.weights)
    with pytest.raises(NetworkError, match=r"outputs on .* are not finite"):
        import_network(replace(scored, overwrite=True))


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


@pytest.mark.parametrize("how", ["torch", "pickle", "inside"])
def test_a_malicious_file_is_refused_and_runs_nothing(job, weights, tmp_path, how):
    target, file = tmp_path / "owned", tmp_path / "w.pth"
    bomb = Bomb(target)
    if how == "pickle":
        file.write_bytes(pickle.dumps(bomb))
    else:
        torch.save(bomb if how == "torch" else {"state_dict": weights, "note": bomb}, file)
    with pytest.raises(NetworkError, match=r"w\.pth: not (loaded|a readable)") as caught:
        import_network(replace(job, weights=file))
    assert "\n" not in str(caught.value)
    assert not target.exists()
    assert not job.out.exists()
    # The file does bite who unpickles it: the test could fail.
    torch.load(file, weights_only=False) if how != "pickle" else pickle.loads(file.read_bytes())  # noqa: S301
    assert target.exists()


@given(flips=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=5), cut=CUT)
def test_a_broken_file_is_one_line_too(tmp_path_factory, flips, cut):
    file = tmp_path_factory.mktemp("broken") / "w.pth"
    torch.save({"a": torch.zeros(3)}, file, _use_new_zipfile_serialization=len(flips) % 2 == 0)
    data = bytearray(file.read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    file.write_bytes(data[: int(cut * len(data))])
    try:
        read_weights(file)
    except NetworkError as error:
        assert str(file) in str(error)
        assert "\n" not in str(error)


def test_names_of_the_module_that_a_network_was_cut_from_will_do(tmp_path):
    from torch import nn

    from atdt.networks.split import split_module

    whole = nn.Sequential()
    for index in range(4):
        whole.add_module(f"part{index}", nn.Conv2d(3, 3, 3, padding=1))
    whole.add_module("head", nn.Conv2d(3, 2, 1))
    network = split_module(whole, [f"part{index}" for index in range(4)])
    found = matched(network, whole.state_dict(), tmp_path / "w.pth")
    assert found.keys() == network.state_dict().keys()
    network.load_state_dict(found)
    with pytest.raises(
        NetworkError, match=r"w\.pth: weights of another network: missing: part0.weight, "
    ):
        matched(network, {"part0.bias": torch.zeros(3)}, tmp_path / "w.pth")


def test_every_key_and_shape_must_match(job, weights, tmp_path):
    def refused(tensors, message):
        save_file(tensors, tmp_path / "other.safetensors")
        with pytest.raises(NetworkError, match=message):
            import_network(replace(job, weights=tmp_path / "other.safetensors"))

    first = next(iter(weights))
    refused({k: v for k, v in weights.items() if k != first}, f"missing: {first}")
    refused(weights | {"head.bias": torch.zeros(1)}, "not of this network: head.bias")
    refused(weights | {first: torch.zeros(3)}, rf"other shapes: {first} \(3,\) instead of \(")
    refused({"head.bias": torch.zeros(1)}, r"missing: .* and \d+ more; not of")


@pytest.mark.parametrize(
    "text",
    ["", "mean = [0, 0]\nstd = [1, 1, 1]", "mean = [0, 0, 0]\nstd = [1, 0, 1]", "mean = [", "\xff"],
)
def test_preprocessing_that_cannot_be_is_refused(job, text):
    job.preprocessing.write_text(text, encoding="latin-1")
    with pytest.raises(NetworkError, match=r"pre\.toml"):
        import_network(job)
    job.preprocessing.unlink()
    with pytest.raises(NetworkError, match=r"pre\.toml: no such file"):
        import_network(job)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "poetry"}, "no task 'poetry'"),
        ({"label_space": "shared11"}, "other shapes: "),
        ({"minimum_score": 0.5}, "--minimum-score needs --domain"),
        ({"images": 0}, "--images 0"),
        ({"unscored": False}, "to score it on, or --unscored"),
    ],
)
def test_other_mistakes(job, changes, message):
    with pytest.raises(UserError, match=message):
        import_network(replace(job, **changes))


def test_a_domain_of_another_label_space_is_refused(job, domain_a, tmp_path):
    save_file(build_network(TINY, 11).state_dict(), tmp_path / "w11.safetensors")
    other = replace(
        job,
        label_space="shared11",
        weights=tmp_path / "w11.safetensors",
        domain=f"{domain_a}:val",
        unscored=False,
    )
    with pytest.raises(UserError, match=r"coarse4.*shared11"):
        import_network(other)
