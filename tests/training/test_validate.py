"""Validation: the task's own figures on plain images, whatever the batch."""

import numpy as np
import pytest
import torch
from torch import nn

from atdt.domains import open_domain
from atdt.errors import DomainError
from atdt.tasks import get_task
from atdt.training.sources import Source, open_sources
from atdt.training.validate import Validation, inference

CPU = torch.device("cpu")


class Reader(nn.Module):
    """Sees classes by colour: perfect on the generated domain, but for its noise."""

    def forward(self, image):
        assert not self.training
        means = torch.tensor([[90, 80, 90], [110, 170, 240], [200, 40, 30]]) / 255
        distance = (image[:, None] - means[None, :, :, None, None]).square().sum(dim=2)
        return torch.cat([-distance, torch.full_like(distance[:, :1], -9)], dim=1)


def validation(path, task="semantic", **options):
    task = get_task(task)
    source = open_sources(task, [f"{path}:train"])[0]
    return Validation(task, source.domain.label_space, source, **options)


@pytest.mark.parametrize("batch", [1, 2, 8])
def test_a_perfect_reader_scores_one(domain_a, batch):
    scores = validation(domain_a, batch=batch).scores(Reader(), CPU)
    assert scores["miou"] == 1.0
    assert scores["accuracy"] == 1.0


def test_the_score_is_the_tasks_over_the_images_asked_for(domain_a):
    class Constant(nn.Module):
        def forward(self, image):
            return torch.zeros(len(image), 4, *image.shape[2:]).index_fill_(1, torch.tensor(1), 1.0)

    domain = open_domain(f"{domain_a}:train")
    truths = [domain.label(index, "semantic") for index in (1, 4)]
    sky = np.mean([truth == 1 for truth in truths])
    scores = validation(domain_a, images=[1, 4]).scores(Constant(), CPU)
    assert scores["accuracy"] == pytest.approx(sky)
    assert scores["miou"] == pytest.approx(sky / 3)


def test_a_task_without_labels_is_measured_against_the_image(domain_a):
    edges = get_task("edges")

    class Sobel(nn.Module):
        def forward(self, image):
            return edges.target(image, None)[:, None]

    assert validation(domain_a, "edges").scores(Sobel(), CPU)["mae"] < 1e-6


def test_images_and_labels_are_resized_alike(domain_a):
    made = validation(domain_a, resize=(8, 12))
    assert made.size == (8, 12)
    assert made.scores(Reader(), CPU)["accuracy"] > 0.9


def test_the_network_comes_back_in_its_mode():
    network = nn.Sequential(nn.Dropout(0.5))
    for training in (True, False):
        network.train(training)
        with inference(network):
            assert not network[0].training
            assert torch.is_inference_mode_enabled()
        assert network[0].training is training


def test_mixed_sizes_are_cropped_when_a_crop_is_given_and_refused_else(tmp_path, make_domain):
    lines = []
    for name, size in (("small", (16, 24)), ("large", (20, 30))):
        folder = make_domain(tmp_path / name, name, size=size)
        parts = (folder / "train.txt").read_text().splitlines()[0].split(";")
        lines.append(";".join(part if part == "_" else f"{name}/{part}" for part in parts))
    (tmp_path / "train.txt").write_text("\n".join(lines))
    (tmp_path / "domain.toml").write_text((tmp_path / "small" / "domain.toml").read_text())
    source = Source("mixed", open_domain(f"{tmp_path}:train"))
    task, space = get_task("semantic"), source.domain.label_space
    assert Validation(task, space, source, crop=(8, 8)).size == (8, 8)
    assert Validation(task, space, source, resize=(8, 12), crop=(4, 4)).size == (8, 12)
    with pytest.raises(DomainError, match="need one size: give --crop or --resize"):
        Validation(task, space, source)
