"""The command line: `ganforge`."""

from __future__ import annotations

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    try:
        # Imported here, so that Ctrl-C during the slow imports is handled too.
        from ganforge.cli.app import run  # noqa: PLC0415
    except KeyboardInterrupt:
        return INTERRUPTED
    return run(arguments)
