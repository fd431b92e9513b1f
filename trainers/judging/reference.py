"""What real images say of each other: the measure for generated ones.

Held-out images, which the generator has not seen, are looked at as if they were generated. Where a data set has none,
images of the training part that are set apart stand for them: then the extractor and the generator know them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainers.judging import classes, copying, neighbours
from trainers.judging.frechet import moments
from trainers.judging.likeness import Likeness, details, likeness
from trainers.judging.neighbourhoods import Missing, Neighbourhoods

# Training images whose balls generated images should lie in.
_POOL = 5000
# Real images that look alike are a kind: so many held-out images on average.
_KIND = 20
_MOST_KINDS = 50
_COARSE = 10
# Groups of real images that show how much figures differ from kind to kind, and the size of one.
_GROUPS = 200
GROUP = 50
_MATCHED = 5
# Of the relative distance of copies, that of images which are nearly the same.
_SAME = 0.5


class Judged(NamedTuple):
    """Images to judge: pixels uint8 (n, C, H, W), features (n, d), and probabilities (n, classes) or None."""

    pixels: Tensor
    features: Tensor
    probabilities: Tensor | None


class Realism(NamedTuple):
    """How images lie to real ones in features.

    Attributes:
        inside: whether each lies in a ball of a real image, k = 3 (n,).
        balls: how many balls of k = 5 hold it, over k (n,).
        offsets: from the middle of real images close by (n, d).
        moves: from the training image that each looks like most (n, d), as a part of how far real images are apart.
    """

    inside: Tensor
    balls: Tensor
    offsets: Tensor
    moves: Tensor

    def only(self, rows: Tensor) -> Realism:
        """Return that of some images."""
        return Realism(self.inside[rows], self.balls[rows], self.offsets[rows], self.moves[rows])

    @property
    def share(self) -> float:
        """The share of images in balls: precision."""
        return float(self.inside.double().mean())

    @property
    def density(self) -> float:
        """The mean number of balls, over k."""
        return float(self.balls.double().mean())

    @property
    def drift(self) -> float:
        """How much the offsets agree: the length of their mean over their root mean square, from 0 to 1."""
        length = float(self.offsets.square().sum(1).mean().sqrt())
        return float(self.offsets.mean(0).square().sum().sqrt()) / max(length, 1e-12)

    @property
    def shift(self) -> float:
        """The length of the mean move: 0 where images lie to all sides of those that they look like."""
        return float(self.moves.mean(0).square().sum().sqrt())


class Looks(NamedTuple):
    """How images lie to training images in appearance.

    Attributes:
        relative: distance to the nearest over that to the next nine (n,).
        distances: to the nearest (n,).
        scale: the mean distance to the next nine (n,).
        rows: the row of the nearest training image (n,).
        decided: the share of the next nine that are of the nearest one's kind (n,).
    """

    relative: Tensor
    distances: Tensor
    scale: Tensor
    rows: Tensor
    decided: Tensor

    def only(self, rows: Tensor) -> Looks:
        """Return those of some images."""
        return Looks(*(of_images[rows] for of_images in self))


class Spread(NamedTuple):
    """Mean and standard deviation of a figure over groups of real images."""

    mean: float
    std: float


class Reference:
    """Real images: those that the generator learns from, and those that generated ones are compared with."""

    def __init__(self, train: Judged, test: Judged, seed: int, *, held_out: bool = True) -> None:
        self.train, self.test, self.seed, self.held_out = train, test, seed, held_out
        # 1. In features: balls of training images, and how test images lie in them.
        self._pool = train.features[self.drawn(len(train.features), _POOL)]
        self._near = neighbours.radii(self._pool, neighbours.PRECISION_NEIGHBOURS)
        self._wide = neighbours.radii(self._pool, neighbours.COVERAGE_NEIGHBOURS)
        self.moments = moments(test.features)
        # How far real images are apart: the root mean square distance from their middle.
        self._extent = float((test.features.float() - test.features.float().mean(0)).square().sum(1).mean().sqrt())
        # 2. In appearance: all images that the generator has seen.
        known = train.pixels if held_out else torch.cat([train.pixels, test.pixels])
        self._known = known
        self._own_distances = torch.full((len(known),), torch.nan)
        self._appearance = copying.appearance(known)
        # Kinds of training images, so that an image has the kind of the one that it looks like, if it is blurred, too.
        many = max(2, min(_MOST_KINDS, len(test.pixels) // _KIND))
        some = self._appearance[self.drawn(len(known), _POOL)]
        self._kinds = classes.cell_of(self._appearance, classes.cells(some, many, seed))
        self._coarse = classes.cell_of(self._appearance, classes.cells(some, min(many, _COARSE), seed))
        self._own = None if held_out else torch.arange(len(train.pixels), len(known))
        self.looks = self.looks_of(test.pixels, self._own)
        self._known_features = train.features if held_out else torch.cat([train.features, test.features])
        self.realism = self.realism_of(test.features, self.looks)
        self._neighbourhoods: dict[int, Neighbourhoods] = {}
        self.limit = copying.limit(self.looks.relative)
        # 3. What is usual for a kind.
        # How far images of a kind are from the training images around them.
        kinds = self.kinds_of(self.looks)
        usual = self.looks.scale.median()
        self._scales = torch.stack(
            [self.looks.scale[kinds == kind].median() if (kinds == kind).any() else usual for kind in range(many)]
        )
        labels = None
        if train.probabilities is not None and test.probabilities is not None:
            labels = train.probabilities.argmax(1)
            labels = labels if held_out else torch.cat([labels, test.probabilities.argmax(1)])
        self._labels = labels
        # 4. How such figures differ between held-out images that lie together: in features, and in appearance.
        self._groups = self._together(test.features)
        self.likeness = self.likeness_of(test.pixels, self.looks)
        self._look_alike = self._together(copying.appearance(test.pixels))

    def drawn(self, of: int, most: int) -> Tensor:
        """Draw rows, the same ones each time; all of them where there are no more than that."""
        draws = torch.Generator().manual_seed(self.seed)
        return torch.randperm(of, generator=draws)[:most] if of > most else torch.arange(of)

    def _together(self, points: Tensor) -> Tensor:
        """Return groups (groups, size) of rows of held-out images (n, d) that lie together."""
        some = points[self.drawn(len(points), _GROUPS)]
        return neighbours.nearest(some, points, min(GROUP, len(points) // 4)).indices

    def realism_of(self, features: Tensor, looks: Looks) -> Realism:
        """Look at features (n, d) among the training images' balls, and beside those that the images look like."""
        near, wide = neighbours.squared(self._near), neighbours.squared(self._wide)
        inside, balls, matched = [], [], []
        for _, block in neighbours.blocks(features, self._pool):
            inside.append((block <= near[None]).any(1))
            balls.append((block <= wide[None]).sum(1) / neighbours.COVERAGE_NEIGHBOURS)
            # Without the nearest: the offset of a copy, or of a copy with noise, says nothing of its neighbourhood.
            rows = block.topk(_MATCHED + 1, largest=False).indices[:, 1:]
            matched.append(self._pool[rows].float().mean(1))
        seen = features.float()
        moves = (seen - self._known_features[looks.rows].float()) / max(self._extent, 1e-12)
        return Realism(torch.cat(inside), torch.cat(balls), seen - torch.cat(matched), moves)

    def looks_of(self, pixels: Tensor, own: Tensor | None = None) -> Looks:
        """Look at images (n, C, H, W) among the training images; `own` are the rows that they are themselves."""
        found = copying.closest(pixels, self._appearance, own)
        scale = found.distances[:, 1:].mean(1)
        kinds = self._kinds[found.indices]  # (n, 10)
        decided = (kinds[:, 1:] == kinds[:, :1]).double().mean(1)
        return Looks(copying.relative(found.distances), found.distances[:, 0], scale, found.indices[:, 0], decided)

    def own_distances(self, rows: Tensor) -> Tensor:
        """Return the distance of training images (n,) to their nearest other training image (n,)."""
        wanted = torch.unique(rows)
        # Those that were asked for before are known.
        wanted = wanted[self._own_distances[wanted].isnan()]
        if len(wanted):
            found = copying.closest(self._known[wanted], self._appearance, wanted, 1)
            self._own_distances[wanted] = found.distances[:, 0]
        return self._own_distances[rows]

    def likeness_of(self, pixels: Tensor, looks: Looks) -> Likeness:
        """Look at images (n, C, H, W) beside the training images that they look like most."""
        rows, places = torch.unique(looks.rows, return_inverse=True)
        of_training = details(self._known[rows])[places]
        return likeness(looks.distances, self.own_distances(looks.rows), details(pixels), of_training)

    def kinds_of(self, looks: Looks) -> Tensor:
        """Return the fine kind of each image (n,)."""
        return self._kinds[looks.rows]

    @property
    def coarse_kinds(self) -> Tensor:
        """The coarse kind of each training image (n,)."""
        return self._coarse[: len(self.train.pixels)]

    def coarse_kinds_of(self, looks: Looks) -> Tensor:
        """Return the coarse kind of each image (n,)."""
        return self._coarse[looks.rows]

    def labels_of(self, looks: Looks) -> Tensor | None:
        """Return the class of the training image that each image looks like (n,), where classes are known."""
        return None if self._labels is None else self._labels[looks.rows]

    def missing(self, pixels: Tensor) -> Missing:
        """Tell which share of held-out images has hardly any of the images (n, C, H, W) around it."""
        return self._neighbourhoods_of(len(pixels)).missing(pixels)

    def missing_likes(self, looks: Looks) -> Missing:
        """Tell which share of held-out images is like hardly any of the training images that the images look like."""
        return self._neighbourhoods_of(len(looks.rows)).missing_likes(looks.rows)

    def _neighbourhoods_of(self, count: int) -> Neighbourhoods:
        if count not in self._neighbourhoods:
            self._neighbourhoods[count] = Neighbourhoods(
                self.test.pixels, self._appearance, self._own, count, self.seed
            )
        return self._neighbourhoods[count]

    def undecided(self, looks: Looks, different: float) -> float:
        """Return by how many standard errors images are less decided about their kind than real ones of these kinds.

        The error is that of the mean over `different` images and of the means of kinds over held-out images.
        """
        own, real = self.kinds_of(looks), self.kinds_of(self.looks)
        many = len(self._scales)
        shares = classes.shares(own, many)
        held = classes.shares(real, many) * len(real)
        # As if each kind had two images more, which are as decided as all are: of a kind with none nothing is known.
        usual = self.looks.decided.mean()
        means = (torch.zeros(many).double().index_add_(0, real, self.looks.decided) + 2 * usual) / (held + 2)
        squares = (self.looks.decided - means[real]).square()
        spread = (torch.zeros(many).double().index_add_(0, real, squares) + 2 * squares.mean()) / (held + 2)
        error = (spread * shares / max(1.0, different)).sum() + (spread * shares.square() / (held + 2)).sum()
        fewer = float((means[own] - looks.decided).mean())
        return fewer / max(float(error.sqrt()), 1e-9)

    def recognises(self, looks: Looks) -> Tensor:
        """Return whether each image (n,) is no farther from training images than held-out ones are."""
        return looks.distances <= self.looks.distances.max()

    def reach(self, looks: Looks) -> Tensor:
        """Return how near another generated image is to each (n,) to be nearly the same: half as far as a copy may be.

        It is a part of the distance to the training images around, or of that of real images of this kind where it is
        less: images of other data are all far from these, but not the same.
        """
        return _SAME * self.limit * torch.minimum(looks.scale, self._scales[self.kinds_of(looks)])

    def spread(self, figure: str, different: float) -> Spread:
        """Return how a figure of `Realism` differs between groups of real images that lie together.

        A set of fewer different images is measured against groups as small.
        """
        groups = self._groups[:, : _size(self._groups, different)]
        found = torch.tensor([getattr(self.realism.only(group), figure) for group in groups])
        return Spread(float(found.mean()), float(found.std()))

    def stray(self, different: float) -> Spread:
        """Return how `Likeness.stray` differs between groups of real images that look alike."""
        groups = self._look_alike[:, : _size(self._look_alike, different)]
        found = self.likeness.farther.double()[groups].mean(1)
        return Spread(float(found.mean()), float(found.std()))

    def detail_spread(self, different: float) -> Tensor:
        """Return the standard deviation (bands,) of the mean detail of groups of real images that look alike."""
        groups = self._look_alike[:, : _size(self._look_alike, different)]
        return self.likeness.details.double()[groups].mean(1).std(0)


def _size(groups: Tensor, different: float) -> int:
    return max(2, min(groups.shape[1], round(different)))
