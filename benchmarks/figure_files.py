"""Files of figures, from which the documentation makes tables, and numbers as tables have them."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file, whole or not at all; its folder is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)


def short(value: float | None) -> str:
    """Return a number of three digits, without an exponent; nothing for None."""
    if value is None:
        return ""
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 100:
        return f"{rounded:,.0f}"
    found = f"{rounded:.4f}".rstrip("0").rstrip(".")
    return "0" if found == "-0" else found
