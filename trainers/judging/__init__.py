"""How good generated images are: fidelity, diversity and copying, each beside what real images say of each other.

Pure functions on tensors. Features are float tensors (n, features) of an extractor; all work on pairs of images goes
through blocks, so that memory does not grow with the product of the two counts.
"""
