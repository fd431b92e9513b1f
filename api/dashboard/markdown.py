"""Notes, written in Markdown by one person and shown to others: no HTML of theirs, no images, no scripts."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

# The page has headings of the first two levels itself.
LEVELS_DOWN = 2
_LINKS = re.compile(r"(https?://|mailto:|/|#)", re.IGNORECASE)


class _Renderer(RendererHTML):
    """Headings below those of the page, and links that tell nobody where they were followed."""

    def renderToken(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # noqa: N802 - its name
        token = tokens[idx]
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + LEVELS_DOWN)}"
        if token.type == "link_open":
            token.attrSet("rel", "noopener noreferrer nofollow")
        return super().renderToken(tokens, idx, options, env)


def _make() -> MarkdownIt:
    # Text that looks like HTML is shown as it was typed.
    made = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    made.enable(["table", "strikethrough"]).disable("image")
    made.validateLink = lambda url: _LINKS.match(url.strip()) is not None  # type: ignore[method-assign]
    return made


_MARKDOWN = _make()


# A page that refreshes itself shows the same notes again, and the slowest take half a second.
@functools.lru_cache(maxsize=256)
def shown(text: str) -> Markup:
    """Return notes as HTML."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - made by the renderer above, which escapes what was typed
