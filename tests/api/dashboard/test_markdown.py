"""Notes are shown as Markdown, without anything of their authors' that could run."""

from __future__ import annotations

import re

import pytest

from api.dashboard.markdown import shown


def test_notes_are_markdown_with_headings_below_those_of_the_page() -> None:
    page = shown("# One\n\nTwo\n---\n- *a*\n\n`<b>`\n\n|a|b|\n|-|-|\n|1|~~2~~|")
    for part in ("<h3>One</h3>", "<h4>Two</h4>", "<em>a</em>", "<code>&lt;b&gt;</code>", "<td><s>2</s></td>"):
        assert part in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[x]: javascript:alert(1)\n\n[x]",
        "![x](https://example.com/tracker.png)",
        '[x](https://example.com "a\\" onmouseover=\\"b")',
        "```<script>\n</code><script>\n```",
        "<!-- -->\n<style>*{}</style>",
    ],
)
def test_nothing_in_notes_can_run_or_load(text: str) -> None:
    page = str(shown(text))
    assert re.findall(r"<(?!/?(?:p|a|code|pre|h[3-6]|br)\b)", page) == []
    for tag in re.findall(r"<[a-z][^>]*>", page):
        assert not re.search(r"\son\w+=(?!&)", re.sub(r'"[^"]*"', '""', tag)), tag
    for address in re.findall(r'(?:href|src)="([^"]*)"', page):
        assert address.startswith("https://example.com"), page


def test_links_do_not_tell_where_they_were_followed() -> None:
    assert 'rel="noopener noreferrer nofollow"' in shown("[x](https://example.com) <https://example.com>")
    assert 'href="/dashboard/jobs"' in shown("[x](/dashboard/jobs)")


@pytest.mark.parametrize("piece", ["[", "*a ", "> ", "`", "- ", "_*", "[a](", "~~a", "|-", "<"])
def test_long_notes_of_signs_end_soon(piece: str) -> None:
    assert shown((piece * 10_000)[:10_000])
