"""Pictures of two clouds: each image a dot, by PCA and by t-SNE; each channel a dot."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from atdt.diagnose.clouds import Cloud
from atdt.diagnose.moments import Moments, moment_shifts
from atdt.evaluate.figures import Plot

PERPLEXITY = 30.0
COLOURS = ("#0b62a4", "#d9622b")
NAMED = 5  # channels, those that are shifted most
MOST = 2000  # dots of a domain: t-SNE's time grows faster than their number


def maps(clouds: Mapping[str, Cloud], seed: int) -> Plot:
    """PCA and t-SNE (van der Maaten and Hinton, JMLR 2008) of the images' mean features."""
    draws = np.random.default_rng(seed)
    shown = [_some(c.means, draws) for c in clouds.values()]
    vectors = np.concatenate(shown)
    names = np.repeat(list(clouds), [len(means) for means in shown])
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    flat = {
        "PCA": PCA(2, random_state=seed).fit_transform(vectors),
        "t-SNE": TSNE(perplexity=perplexity, random_state=seed, init="pca").fit_transform(vectors),
    }
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    for axes, (title, places) in zip(figure.subplots(1, 2), flat.items(), strict=True):
        for name, colour in zip(clouds, COLOURS, strict=False):
            of = places[names == name]
            axes.scatter(of[:, 0], of[:, 1], s=9, alpha=0.6, color=colour, label=name, linewidths=0)
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.axes[0].legend(frameon=False)
    return Plot(
        figure,
        f"Each dot is an image, the mean of its features (of {MOST} a domain at most). Clouds that "
        "lie apart are told apart by E1; by t-SNE only who is near to whom means anything.",
        "Two scatter plots of the images of both domains",
    )


def channels_plot(a: Moments, b: Moments) -> Plot:
    """Shift of the mean against ratio of the spread, a dot for each channel."""
    shift, ratio = moment_shifts(a, b)
    ratio = np.exp(ratio)
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.axhline(1, color="#bbbbbb", linewidth=0.8)
    axes.axvline(0, color="#bbbbbb", linewidth=0.8)
    axes.scatter(shift, ratio, s=9, alpha=0.6, color="#0b62a4", linewidths=0)
    far = np.argsort(-np.nan_to_num(np.abs(shift)))[:NAMED]
    for channel in far[~np.isnan(shift[far])]:
        place = (shift[channel], ratio[channel])
        axes.annotate(str(channel), place, xytext=(3, 3), textcoords="offset points", fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("mean on B less mean on A, in A's σ")
    axes.set_ylabel("σ on B ÷ σ on A")
    constant = int(np.isnan(shift).sum())
    left_out = f" {constant} that are constant in one of them are left out." if constant else ""
    return Plot(
        figure,
        "Each dot is a channel of E1, over every location of the plain views; at (0, 1) it sees B "
        f"as it sees A. The {NAMED} that are shifted most have their numbers; channels.csv has all."
        + left_out,
        "Scatter plot of the channels: shift of the mean, and ratio of the standard deviations",
    )


def _some(means: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    if len(means) <= MOST:
        return means
    return means[np.sort(draws.choice(len(means), MOST, replace=False))]
