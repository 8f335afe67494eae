"""Source code, by tree-sitter grammars: functions and classes with their names, the rest between.

A class, an impl or a namespace is cut at its functions; comments and attributes right above belong
to what they stand above. A language without a grammar is cut at its left margin.
"""

import re
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

import numpy as np
from tree_sitter import Language, Node, Parser, Tree

from retrieval.ingest.parse import plain
from retrieval.ingest.parse.blocks import Block, Kind, trimmed

LIMIT = 2_000_000
"""Characters; what is longer was made by a machine and is cut at its left margin."""
DEPTH = 12
NAME_LIMIT = 120
SECONDS = 3.0
"""A file's processor time; broken code can take a grammar the square of its length."""
STEP = 4096
"""Bytes between two looks at the clock."""


def _words(names: str) -> frozenset[str]:
    return frozenset(names.split())


GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_tsx"),
    "java": ("tree_sitter_java", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "go": ("tree_sitter_go", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
}
FUNCTIONS = _words(
    "function_definition function_declaration generator_function_declaration function_item"
    " function_signature_item method_definition method_declaration constructor_declaration"
    " compact_constructor_declaration macro_definition function_signature"
)
CLASSES = _words(
    "class_definition class_declaration abstract_class_declaration interface_declaration"
    " enum_declaration record_declaration annotation_type_declaration type_alias_declaration"
    " impl_item trait_item mod_item struct_item enum_item union_item type_declaration"
    " struct_specifier class_specifier union_specifier enum_specifier namespace_definition"
    " internal_module module"
)
WRAPPERS = _words(
    "decorated_definition export_statement template_declaration ambient_declaration"
    " expression_statement"
)
VARIABLES = frozenset(["lexical_declaration", "variable_declaration"])
VALUES = _words("arrow_function function_expression function class generator_function")
BODIES = _words(
    "block class_body interface_body enum_body enum_body_declarations declaration_list"
    " field_declaration_list statement_block linkage_specification preproc_ifdef preproc_if"
    " preproc_else preproc_elif"
)
ABOVE = _words("comment line_comment block_comment attribute_item")
SAYING = re.compile(r"\w")


@dataclass(frozen=True)
class Source:
    """A text in UTF-8; `starts` are the bytes at which its lines begin."""

    data: bytes
    starts: list[int]

    def indent(self, byte: int) -> bytes:
        """Return what stands before a byte in its line."""
        return self.data[self.starts[bisect_right(self.starts, byte) - 1] : byte]

    def line_start(self, byte: int) -> int:
        """Return where the byte's line begins if nothing but space stands before it, else byte."""
        before = self.indent(byte)
        return byte if before.strip() else byte - len(before)

    def touch(self, above: Node, below: Node) -> bool:
        """Tell whether no blank line lies between two nodes."""
        between = self.data[above.end_byte : below.start_byte]
        ended = self.data[above.end_byte - 1 : above.end_byte] == b"\n"
        return between.count(b"\n") + ended <= 1 and not between.strip()


Piece = tuple[int, int, str]
"""Start and end in bytes, and a symbol."""


def parse(text: str, language: str) -> list[Block]:
    """Find functions and classes, and cut what stands between them at the left margin."""
    data = text.encode("utf-8", "replace")  # half a character becomes "?", one for one
    tree = _tree(data, language) if language in GRAMMARS and len(text) <= LIMIT else None
    if tree is None:
        return [replace(b, language=language) for b in plain.parse_code(text)]
    source = Source(data, [0, *(m.end() for m in re.finditer(b"\n", data))])
    pieces = list(_pieces(source, tree.root_node, (0, len(data), ""), 0))
    return list(_blocks(text, _in_characters(data, _joined(source, pieces)), language))


def _tree(data: bytes, language: str) -> Tree | None:
    """Parse in the time there is, or return nothing."""
    end = time.thread_time() + SECONDS

    def late(*_: object) -> bool:
        return time.thread_time() > end

    def read(at: int, _: object) -> bytes:
        return b"" if late() else data[at : at + STEP]

    try:
        tree = Parser(_language(language)).parse(read, progress_callback=late)
    except ValueError:  # stopped by `late`
        return None
    return None if late() else tree


@cache
def _language(name: str) -> Language:
    module, function = GRAMMARS[name]
    return Language(getattr(import_module(module), function)())


def _pieces(source: Source, node: Node, piece: Piece, depth: int) -> Iterator[Piece]:
    """Cut a piece at the functions and classes in it, leaving out nothing."""
    at, end, scope = piece
    for start, outer, inner in _members(source, node, depth):
        start = max(start, at)
        if start > at:
            yield at, start, scope
        own = (start, outer.end_byte, _symbol(scope, inner))
        if inner.type in CLASSES and depth < DEPTH:
            yield from _pieces(source, inner, own, depth + 1)
        else:
            yield own
        at = outer.end_byte
    if at < end:
        yield at, end, scope


def _members(source: Source, node: Node, depth: int) -> Iterator[tuple[int, Node, Node]]:
    """Return where each definition begins, comments above included; its node, and what it names."""
    above: list[Node] = []
    for child in node.named_children:
        if child.type in ABOVE:
            held = above and source.touch(above[-1], child)
            alone = not source.indent(child.start_byte).strip()
            above = ([*above, child] if held else [child]) if alone else []
            continue
        inner = _definition(child)
        if inner is not None:
            first = above[0] if above and source.touch(above[-1], child) else child
            yield source.line_start(first.start_byte), child, inner
        elif child.type in BODIES and depth < DEPTH:
            yield from _members(source, child, depth + 1)
        above = []


def _definition(node: Node, depth: int = 0) -> Node | None:
    """Return the function or class that a node is, wraps or assigns to a name."""
    if node.type in FUNCTIONS or node.type in CLASSES:
        return node
    if node.type in WRAPPERS and depth < DEPTH:
        inner = (_definition(child, depth + 1) for child in node.named_children)
        return next(filter(None, inner), None)
    if node.type in VARIABLES:
        values = ((c, c.child_by_field_name("value")) for c in node.named_children)
        return next((c for c, value in values if value and value.type in VALUES), None)
    return None


def _symbol(scope: str, node: Node) -> str:
    name = _name(node)
    receiver = node.child_by_field_name("receiver")
    types = re.findall(rb"\w+", receiver.text or b"") if receiver else []
    own = f"{types[-1].decode('utf-8', 'replace')}.{name}" if types else name
    return ".".join(filter(None, (scope, own)))[:NAME_LIMIT]


def _name(node: Node) -> str:
    """Follow a declarator (C), a spec (Go) or a type (Rust's impl) to the name."""
    found: Node | None = node
    for _ in range(DEPTH):
        if found is None or not found.named_children:
            break
        below = (found.child_by_field_name(f) for f in ("name", "declarator", "type"))
        after = next(filter(None, below), None)
        if found.type == "type_declaration":
            after = found.named_children[0]
        if after is None or found.type in ("qualified_identifier", "generic_type"):
            break
        found = after
    text = b"" if found is None or found is node else (found.text or b"")
    return " ".join(text[: 4 * NAME_LIMIT].decode("utf-8", "replace").split())


def _joined(source: Source, pieces: list[Piece]) -> Iterator[Piece]:
    """Give a piece that says nothing (a closing brace) to the one before it."""
    held: Piece | None = None
    for start, end, symbol in pieces:
        says = SAYING.search(source.data[start:end].decode("utf-8", "replace"))
        if held and not says:
            held = (held[0], end, held[2])
            continue
        if held:
            yield held
        held = (start, end, symbol)
    if held:
        yield held


def _in_characters(data: bytes, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Count characters in place of bytes."""
    if data.isascii():
        return pieces
    starts = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    at = np.concatenate([[0], np.cumsum(starts)])
    return ((int(at[start]), int(at[end]), symbol) for start, end, symbol in pieces)


def _blocks(text: str, pieces: Iterator[Piece], language: str) -> Iterator[Block]:
    """Narrow each piece; cut what has no name at the left margin."""
    for start, end, symbol in pieces:
        whole = [(0, end - start)]
        parts = whole if symbol else [(b.start, b.end) for b in plain.parse_code(text[start:end])]
        for low, high in parts:
            low, high = trimmed(text, start + low, start + high)
            if high > low:
                yield Block(Kind.CODE, low, high, language=language, symbol=symbol)
