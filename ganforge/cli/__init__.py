"""The command line: `ganforge`."""

from ganforge.cli.app import main

__all__ = ["main"]
