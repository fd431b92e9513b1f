"""The lines of a trainer's log: what it writes, cut into lines, and what its messages say, in a line each."""

from __future__ import annotations

from models import wire

# Characters of a line that are kept.
LINE_LENGTH = 2000
# Bytes kept of a line while its end is awaited: enough for so many characters in UTF-8.
LINE_BYTES = 4 * LINE_LENGTH


class LineCutter:
    """Cuts bytes into lines, however they arrive. A carriage return ends a line too, as progress bars use it.

    Of a line without an end only its beginning is kept, so that memory stays bounded.
    """

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete."""
        *whole, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = b""
        self._rest = (self._rest + rest)[:LINE_BYTES]
        return [_text(line) for line in whole]

    def end(self) -> list[str]:
        """Return the line that was begun, if there is one."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    # A database stores no NUL in a text.
    return line[:LINE_BYTES].decode(errors="replace")[:LINE_LENGTH].rstrip().replace("\0", "\N{REPLACEMENT CHARACTER}")


def line_of(message: object) -> str | None:
    """Return what a message says in the log; None for one that says nothing there."""
    match message:
        case wire.Epoch():
            figures = " ".join(f"{name}={value:.5g}" for name, value in message.means.items() if value is not None)
            speed = f"{message.seconds:.1f} s, {message.images_per_second:.0f} images/s"
            return f"[epoch] {message.epoch} step {message.step}: {speed} {figures}".rstrip()
        case wire.Log():
            return f"[{message.level}] {message.message}"
        case wire.Alert():
            return f"[alert] {message.code}: {message.detail}"
        case wire.Failed():
            return f"[failed] {message.code}: {message.detail}"
    return None
