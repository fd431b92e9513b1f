"""Checks of the documentation: dead links, and paths that no longer exist."""
