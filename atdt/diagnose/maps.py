"""Pictures of two clouds: each image a dot, by PCA and by t-SNE."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from atdt.diagnose.clouds import Cloud
from atdt.evaluate.figures import Plot

PERPLEXITY = 30.0
COLOURS = ("#0b62a4", "#d9622b")


def maps(clouds: Mapping[str, Cloud], seed: int) -> Plot:
    """PCA and t-SNE (van der Maaten and Hinton, JMLR 2008) of the images' mean features."""
    vectors = np.concatenate([c.means for c in clouds.values()])
    names = np.repeat(list(clouds), [len(c.means) for c in clouds.values()])
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
        "Each dot is an image, the mean of its features. Clouds that lie apart are told apart by "
        "E1; by t-SNE only who is near to whom means anything.",
        "Two scatter plots of the images of both domains",
    )
