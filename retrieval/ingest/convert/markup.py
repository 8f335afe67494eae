"""Markdown as it is written here: a few blocks, each parted from the next by a blank line."""

import re
from collections.abc import Iterable, Sequence

MARK = re.compile(r"^( {0,3})(?=#{1,6}(?:\s|$)|```|~~~|=+\s*$|-+\s*$|<[A-Za-z/!?])", re.MULTILINE)
"""What would begin another block where a line of prose begins."""


def prose(text: str) -> str:
    """Keep a text from being taken for a heading, a fence, a rule or HTML."""
    return MARK.sub(r"\1\\", text)


def heading(level: int, text: str) -> str:
    """Write a heading of level 1 to 6."""
    words = " ".join(text.split())
    return f"{'#' * min(max(level, 1), 6)} {words}" if words else ""


def fence(code: str, language: str = "") -> str:
    """Write a code block; its fence is longer than any in it."""
    if not code.strip():
        return ""
    ticks = "`" * max(3, 1 + max((len(m) for m in re.findall("`+", code)), default=0))
    name = "".join(re.findall(r"[\w+#.-]+", language)[:1])
    return f"{ticks}{name}\n{code.strip(chr(10))}\n{ticks}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Write rows as a pipe table, the first as its header; empty rows and columns go."""
    held = [[" ".join(cell.split()) for cell in row] for row in rows]
    held = [row for row in held if any(row)]
    used = sorted({i for row in held for i, cell in enumerate(row) if cell})
    lines = [
        f"| {' | '.join(_cell(row[i]) if i < len(row) else '' for i in used)} |" for row in held
    ]
    return "\n".join([*lines[:1], f"|{'---|' * len(used)}", *lines[1:]]) if lines else ""


def joined(blocks: Iterable[str]) -> str:
    """Put a blank line between the blocks that say anything."""
    return "\n\n".join(b.rstrip() for b in blocks if b.strip())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
