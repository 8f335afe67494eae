"""The context as text: instructions first, then each passage as a template has it.

After every part stands a blank line. The vocabularies of models cut text behind line breaks before
they look for tokens, so that the parts of a context hold as many tokens alone as side by side.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from retrieval.errors import SpecError, one_of
from retrieval.ingest.embed import hash_of
from retrieval.ingest.enrich.places import Located
from retrieval.ingest.parse import Described, Structure
from retrieval.ingest.tokens import Vocabulary, count_tokens
from retrieval.query.as_data import DIGITS, filled
from retrieval.query.filter import metadata_fields
from retrieval.query.passages import Span
from retrieval.types import Corpus

PLACES = ("heading", "anchor", "page")
FIELDS = ("text", "number", "mark", "id", "title", *PLACES)
"""What a template may name besides the documents' metadata."""

LONGEST = 200
"""Characters of a title, a heading or a field of metadata."""

_NAMED = re.compile(r"\{([\w.-]+)\}")
_LEADING = re.compile(r"\A\s*[\r\n]")


class Layout(dict[Span, int]):
    """Writes passages `(document, start, end)`; holds the tokens of each, counted once."""

    def __init__(
        self,
        instructions: str,
        template: str,
        vocabulary: Vocabulary,
        corpus: Corpus,
        structure: Structure | None = None,
    ) -> None:
        """Begin; `structure` is needed where the template says where a passage stands.

        Raises:
            SpecError: the template names what is neither known here nor a field of a document.
        """
        super().__init__()
        self.template, self.vocabulary = template or "{text}", vocabulary
        self.corpus, self.structure = corpus, structure
        self.named = set(_NAMED.findall(self.template))
        known = [*FIELDS, *(metadata_fields(corpus.documents) if self.named - {*FIELDS} else ())]
        for name in sorted(self.named.difference(known)):
            fix = one_of(name, known, "field")
            raise SpecError(f"Context.template: no document has the field {name!r}{fix}")
        mark = self.mark if "{mark}" in instructions else ""
        self.head = _part(instructions.replace("{mark}", mark))
        self._located: dict[int, Located] = {}

    def __missing__(self, span: Span) -> int:
        self[span] = self.tokens(self.passage(span))
        return self[span]

    def tokens(self, text: str) -> int:
        """Count the tokens of a text."""
        return count_tokens(text, self.vocabulary)

    def whole(self, spans: Sequence[Span]) -> str:
        """Write a context."""
        return self.head + "".join(self.passage(span, n) for n, span in enumerate(spans, 1))

    def fits(self, spans: Sequence[Span], cap: int) -> bool:
        """Tell whether a context whose parts fit one by one fits as a whole.

        Numbers are known only now, and a slash at the beginning may join the line break before it.
        """
        if "number" not in self.named and not any(self.passage(s).startswith("/") for s in spans):
            return True
        return self.tokens(self.whole(spans)) <= cap

    def passage(self, span: Span, number: int = 1) -> str:
        """Write one passage."""
        document, start, end = span
        text = self.corpus.documents[document].text[start:end]
        if self.template == "{text}":
            return _part(text)
        values = {name: self._value(name, span) for name in self.named - {"text", "number"}}
        return _part(filled(self.template, {**values, "text": text, "number": str(number)}))

    def _value(self, name: str, span: Span) -> str:
        """Return a field of a passage on one line; nothing where it has none."""
        document = self.corpus.documents[span[0]]
        if name == "mark":
            return self.mark
        held: object = document.metadata.get(name)
        if name in PLACES:
            held = self._place(span)[name]
        elif name in ("id", "title"):
            held = document.id if name == "id" else document.label
        return "" if held is None else " ".join(str(held).split())[:LONGEST]

    def _place(self, span: Span) -> Mapping[str, str | int]:
        row = span[0]
        if row not in self._located:
            blocks = self.structure.of(row) if self.structure else []
            self._located[row] = Located(Described(self.corpus.documents[row], blocks))
        return self._located[row].at(span[1:])

    @cached_property
    def mark(self) -> str:
        """Return characters that stand in no document, for tags that no text can close."""
        documents = self.corpus.documents
        about = (json.dumps([d.id, d.title, *map(str, d.metadata.values())]) for d in documents)
        texts = [*about, *(d.text for d in documents)]
        mark = self.corpus.hash
        while any(mark[:DIGITS] in text for text in texts):
            mark = hash_of(mark)
        return mark[:DIGITS]


def _part(text: str) -> str:
    """End a part in a blank line, and leave out those it begins with."""
    text = _LEADING.sub("", text).rstrip()
    return f"{text}\n\n" if text else ""
