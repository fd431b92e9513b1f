"""Lines and their numbers, in blocks that end anywhere and with gaps."""

from __future__ import annotations

import pytest

from stores.trainer_logs.pieces import Gap, Line, Piece, gaps_between, last_lines, lines_of, matches, numbered

KEPT = (1, 2, 3, 10, 11, 20)
TEXT = b"".join(b"line %d\n" % number for number in KEPT)
GAPS = gaps_between([(1, 3), (10, 2), (20, 1)])


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_each_line_has_its_number_and_the_gap_before_it_wherever_blocks_end(size):
    for after in range(22):
        blocks = (TEXT[at : at + size] for at in range(0, len(TEXT), size))
        lines = [line for piece in numbered(blocks, 1, GAPS, after) for line in lines_of(piece)]
        assert [line.line for line in lines] == [number for number in KEPT if number > after]
        known = after
        for line in lines:
            assert line.text == f"line {line.line}"
            assert line.left_out == line.line - known - 1
            known = line.line


def test_lines_counted_from_the_end_have_the_same_numbers():
    assert gaps_between([(1, 3), (10, 2), (20, 1)]) == [Gap(3, 6), Gap(11, 8)]
    assert [line.line for line in last_lines(TEXT, 1, 20, GAPS)] == list(reversed(KEPT))


def test_a_search_finds_each_line_once_whatever_the_case():
    piece = Piece(2, 5, "Loss loss\nnothing\nLÖSS\nxloss\n".encode())
    assert list(matches(piece, "LOSS")) == [Line(2, 5, "Loss loss"), Line(2, 8, "xloss")]
    assert list(matches(piece, "löss")) == [Line(2, 7, "LÖSS")]
    assert list(matches(piece, "none")) == []
