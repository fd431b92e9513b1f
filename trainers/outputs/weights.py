"""One network, built and filled from a checkpoint: see trainers/loop/weights.py."""

from trainers.loop.weights import restore

__all__ = ["restore"]
