"""Generators that are kept for report cards, the file of the cards, and the lines of the judge's benchmark."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import judge_figures, quality, report_card_figures, report_cards
from tests.evaluations import BLURRED, result


def test_generators_are_kept_with_the_line_of_their_training_and_found_by_their_minutes(tmp_path: Path):
    weights = tmp_path / "generator-0.safetensors"
    weights.write_bytes(b"weights")
    folder = tmp_path / "kept"
    for seconds in (15, 60, 300.0):
        quality._keep_weights(folder, {"recipe": "wgan_gp", "threads": 1}, seconds, weights)
    found = report_cards.kept_in(folder)
    assert [(recipe, minutes) for recipe, minutes, _ in found] == [("wgan_gp", 5), ("wgan_gp", 1)]
    assert json.loads(found[0][2].read_text())["recipe"] == "wgan_gp"
    assert found[0][2].with_suffix(".safetensors").read_bytes() == b"weights"


def test_cards_are_read_as_they_were_written_and_make_a_table(tmp_path: Path):
    card = report_card_figures.line("dcgan", 5, 1, {**result(BLURRED), "summary": "Weak."})
    cards: report_card_figures.Cards = {"dataset": "mnist-10k", "extractor": {}, "count": 2000, "cards": [card, card]}
    report_card_figures.write(tmp_path / "cards.json", cards)
    assert report_card_figures.read(tmp_path / "cards.json") == cards
    head, first, _ = report_card_figures.rows(cards)
    assert len(head) == len(first)
    assert first[:5] == ("`dcgan`", "5", "12.9", "0.034", "41 %")
    assert first[-1] == "Weak."


def line(seed: int, size: int, said: str, *verdicts: str) -> judge_figures.Line:
    return {
        "name": "copies: exact",
        "planted": ["copying"],
        "features": "turns",
        "seed": seed,
        "size": size,
        "verdicts": list(verdicts),
        "said": said,
        "figures": {"fd_ratio": float(seed), "kid": -1e-6, "kl": None},
        "reasons": {},
        "seconds": 1.0,
    }


def test_lines_of_a_planted_set_are_counted_by_size(tmp_path: Path):
    lines = [line(seed, size, "right", "copying") for seed in (1, 2, 3) for size in (500, 2000)]
    lines[0] = line(1, 500, "WRONG")
    lines[1] = line(1, 2000, "WRONG", "copying", "modes_lost")
    judge_figures.write(tmp_path / "lines.json", judge_figures.groups(lines))
    found = judge_figures.read(tmp_path / "lines.json")
    assert judge_figures.rows(found) == [
        ["set", "features", "verdict", "500", "2,000", "fd_ratio", "kid", "kl"],
        ["copies: exact", "turns", "copying or copying, modes_lost", "2/3", "2/3", "2", "0", ""],
    ]
