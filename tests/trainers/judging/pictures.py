"""Made-up pictures of four kinds, with features and classes: for tests of judges that load no extractor."""

from __future__ import annotations

import torch

from trainers.judging.reference import Judged

KINDS = 4


def pictures(seed: int, count: int, kinds: tuple[int, ...] = (0, 1, 2, 3)) -> torch.Tensor:
    """Return bars of four directions with wobbles of their own, uint8 (count, 3, 20, 20)."""
    draws = torch.Generator().manual_seed(seed)
    kind = torch.tensor(kinds)[torch.arange(count) % len(kinds)]
    wobble = torch.randn(count, 4, generator=draws)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 20), indexing="ij")
    angle = kind * torch.pi / KINDS + 0.15 * wobble[:, 0]
    across = y[None] * angle.cos()[:, None, None] + x[None] * angle.sin()[:, None, None]
    along = x[None] * angle.cos()[:, None, None] - y[None] * angle.sin()[:, None, None]
    middle, wide = 0.25 * wobble[:, 1, None, None], (0.25 + 0.05 * wobble[:, 2, None, None]).clamp(min=0.1)
    bar = torch.exp(-(((across - middle) / wide) ** 2) - (along - 0.3 * wobble[:, 3, None, None]) ** 2)
    texture = 12 * torch.nn.functional.interpolate(torch.randn(count, 3, 5, 5, generator=draws), (20, 20))
    return (30 + 190 * bar[:, None] + texture).clamp(0, 255).to(torch.uint8)


def sorted_by_kind(count: int) -> torch.Tensor:
    """Return as many pictures of each kind, one kind after another."""
    return torch.cat([pictures(50 + kind, count // KINDS, (kind,)) for kind in range(KINDS)])


def judged(pixels: torch.Tensor, *, classes: bool = True) -> Judged:
    """Small pictures are the features; the classes are those of a template each."""
    features = torch.nn.functional.adaptive_avg_pool2d(pixels.float() / 255, 5).flatten(1)
    templates = torch.stack([pictures(100 + kind, 200, (kind,)).float().mean(0) for kind in range(KINDS)])
    alike = torch.nn.functional.cosine_similarity(
        (pixels.float() - pixels.float().mean((1, 2, 3), keepdim=True))[:, None].flatten(2),
        (templates - templates.mean((1, 2, 3), keepdim=True))[None].flatten(2),
        dim=2,
    )
    return Judged(pixels, features, (alike * 20).softmax(1) if classes else None)


TRAIN = pictures(1, 1200)
