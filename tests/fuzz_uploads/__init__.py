"""Mutated archives, pictures and data sets against the packer in its limits."""
