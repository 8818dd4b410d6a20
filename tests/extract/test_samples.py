"""Samples: view-major, mixed by a seed, one size, and cut from image and labels alike."""

import numpy as np
import pytest

from atdt.domains import ViewPlan, open_domain
from atdt.errors import DomainError
from atdt.extract.samples import Samples

LABELS = ("semantic", "depth", "normals")


def samples_of(spec, **plan) -> Samples:
    return Samples(open_domain(spec, labels=LABELS), ViewPlan(**plan))


def test_samples_are_view_major_and_each_view_has_the_images_in_one_order(domain):
    samples = samples_of(domain, views=3, photometric="paper")
    table = samples.table()
    assert len(samples) == len(table) == 21
    assert table.view.tolist() == [0] * 7 + [1] * 7 + [2] * 7
    names = table.image.reshape(3, 7)
    assert sorted(names[0]) == [f"image/{index}.png" for index in range(7)]
    assert (names == names[0]).all()
    assert table.sample_id[8] == f"{names[0][1]}@1"
    assert (table.size == (18, 26)).all()


def test_the_seed_of_the_plan_mixes_the_images_and_more_views_follow_behind(domain):
    orders = [tuple(samples_of(domain, seed=seed).table().image) for seed in range(4)]
    assert len(set(orders)) > 1
    fewer, more = (samples_of(domain, views=views, seed=1).table() for views in (2, 3))
    assert fewer.sample_id.tolist() == more.sample_id.tolist()[: len(fewer)]


def test_a_sample_is_the_view_of_its_image_and_of_its_labels(domain):
    samples = samples_of(domain, views=2, seed=5, crop=(10, 12), flip=True, photometric="strong")
    read, table = samples.read(5, 11, True, LABELS), samples.table()
    assert (read.start, read.stop) == (5, 11)
    assert read.images.dtype == np.float32
    for place, sample in enumerate(range(5, 11)):
        image = int(table.image[sample].split("/")[1].split(".")[0])
        view = samples.plan.draw(table.image[sample], int(table.view[sample]), (18, 26))
        assert view.box == tuple(table.box[sample])
        assert view.flip == table.flip[sample]
        source = samples.domain
        np.testing.assert_array_equal(read.images[place], view.image(source.image(image)))
        for kind in LABELS:
            cut = view.label(source.label(image, kind), kind)
            cut = cut.transpose(2, 0, 1) if kind == "normals" else cut
            np.testing.assert_array_equal(read.labels[kind][place], cut)
            shape, dtype = samples.label_item(kind)
            assert (cut.shape, cut.dtype) == (shape, dtype)


def test_labels_alone_decode_no_image(domain, monkeypatch):
    samples = samples_of(domain)
    monkeypatch.setattr(type(samples.domain), "image", lambda self, index: pytest.fail("decoded"))
    read = samples.read(0, 3, False, ("depth",))
    assert read.images is None
    assert read.labels["depth"].shape == (3, 18, 26)


def test_mixed_sizes_name_two_files_and_a_way_out(new_domain, tmp_path):
    spec = new_domain(tmp_path / "mixed", [(18, 26), (18, 26), (20, 30)])
    with pytest.raises(DomainError) as refusal:
        samples_of(spec)
    message = str(refusal.value)
    for part in ("image/0.png is 18x26", "image/2.png is 20x30", "--crop, --resize or --pad"):
        assert part in message
    assert "\n" not in message
    assert samples_of(spec, resize=(16, 24)).size == (16, 24)
    assert samples_of(spec, crop=(18, 20)).size == (18, 20)
    assert samples_of(spec, pad=(20, 30)).size == (20, 30)


def test_a_crop_that_does_not_fit_names_the_image(new_domain, tmp_path):
    spec = new_domain(tmp_path / "small", [(18, 26), (10, 10)])
    with pytest.raises(DomainError, match=r"image/1\.png: image of 10x10 is smaller than crop"):
        samples_of(spec, crop=(16, 16))
