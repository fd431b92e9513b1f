"""How good generated images are: fidelity, diversity and copying, each beside what real images say of each other.

Pure functions on tensors, and the extractors whose features they take: float tensors (n, features). All work on pairs
of images goes through blocks, so that memory does not grow with the product of the two counts.
"""
