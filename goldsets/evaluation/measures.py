"""A measure is a value that prints, hashes and parses back, named as in ir-measures.

    R@k P@k Success@k RR@k nDCG@k AP@k Judged@k        over chunks, projected from spans
    EvidenceRecall EvidencePrecision IoU  @k or @Ntok  over characters
    PrecisionOmega                                     over characters, of the chunking alone

`@Ntok` cuts the context after N tokens (o200k), within a chunk if need be. A parameter stands in
brackets: `R(rel=2)@20` counts evidence graded 2 or more, `R(share=0.8)@20` a span as found when the
first 20 chunks cover 80 % of it.
"""

import re
from dataclasses import dataclass
from typing import Literal

from retrieval.errors import SpecError, one_of

DEFINITIONS = 1
"""Goes up whenever a measure is defined otherwise: values of two definitions are never compared."""

Unit = Literal["", "tok"]

RANK = ("R", "P", "Success", "RR", "nDCG", "AP", "Judged")
CHARACTER = ("EvidenceRecall", "EvidencePrecision", "IoU")
STATIC = ("PrecisionOmega",)
NAMES = (*RANK, *CHARACTER, *STATIC)

GRADED = ("nDCG", "Judged")
"""Measures that take every grade as it is and so no `rel`."""

FORM = re.compile(r"([A-Za-z]+)(?:\(([^()]*)\))?(?:@(\d+)(tok)?)?")
ABOUT = {
    "R": "Recall: the share of what there is to find that the first k chunks hold.",
    "P": "Precision: the share of the first k chunks that hold evidence.",
    "Success": "Whether any of the first k chunks holds evidence.",
    "RR": "Reciprocal rank of the first chunk that holds evidence, 0 below k.",
    "nDCG": "Discounted gain of the graded chunks in the first k, over that of the best order.",
    "AP": "Average precision over the first k: precision at each relevant chunk, averaged.",
    "Judged": "The share of the first k chunks that somebody has judged.",
    "EvidenceRecall": "The share of the evidence's characters that the context holds.",
    "EvidencePrecision": "The share of the context's characters that are evidence.",
    "IoU": "Characters of evidence in the context, over those in either.",
    "PrecisionOmega": "Precision if exactly the chunks that touch evidence were returned.",
}


@dataclass(frozen=True)
class Measure:
    """A measure with its cutoff; `str(measure)` is its identity and parses back.

    `rel` is the least grade that counts as relevant, `share` the share of a span's characters that
    makes it found.
    """

    name: str
    cutoff: int | None = None
    unit: Unit = ""
    rel: int = 1
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise SpecError(
                f"there is no measure {self.name!r}{one_of(self.name, NAMES, 'measure')}"
            )
        if (self.cutoff is None) != (self.name in STATIC):
            need = "takes no cutoff" if self.name in STATIC else f"needs a cutoff: {self.name}@20"
            raise SpecError(f"{self.name} {need}")
        if self.cutoff is not None and not 1 <= self.cutoff <= 10_000_000:
            raise SpecError(f"{self.name} needs a cutoff of at least 1, not {self.cutoff}")
        if self.unit and self.name not in CHARACTER:
            raise SpecError(
                f"{self.name} counts chunks; a token budget goes with EvidenceRecall@4000tok"
            )
        if self.rel < 1:
            raise SpecError(f"{self.name}: rel must be at least 1, not {self.rel!r}")
        if self.rel != 1 and self.name in GRADED:
            raise SpecError(f"{self.name} takes no rel; it is for measures of what is relevant")
        if not 0 < self.share <= 1:
            raise SpecError(f"{self.name}: share must be above 0 and at most 1, not {self.share!r}")
        if self.share != 0.5 and self.name != "R":
            raise SpecError(f"{self.name} takes no share; only R counts spans as found")

    def __str__(self) -> str:
        own = [f"rel={self.rel}"] if self.rel != 1 else []
        own += [f"share={float(self.share)!r}"] if self.share != 0.5 else []
        brackets = f"({','.join(own)})" if own else ""
        cut = "" if self.cutoff is None else f"@{self.cutoff}{self.unit}"
        return f"{self.name}{brackets}{cut}"

    @property
    def about(self) -> str:
        """Say in one sentence what the measure tells."""
        return ABOUT[self.name]


def parse_measure(text: str) -> Measure:
    """Read a measure from its name, `R(rel=2)@20` say.

    Raises:
        SpecError: it is not of that form, or there is no such measure or parameter.
    """
    form = FORM.fullmatch(str(text).replace(" ", ""))
    if not form:
        raise SpecError(f"{text!r} is not a measure; write it like nDCG@10 or R(rel=2)@20")
    name, inside, cutoff, unit = form.groups()
    given: dict[str, float] = {}
    for item in filter(None, (inside or "").split(",")):
        key, _, value = item.partition("=")
        if key not in ("rel", "share"):
            raise SpecError(
                f"{text!r}: there is no parameter {key!r}{one_of(key, ['rel', 'share'])}"
            )
        try:
            given[key] = int(value) if key == "rel" else float(value)
        except ValueError as e:
            raise SpecError(f"{text!r}: {key} takes a number, not {value!r}") from e
    return Measure(
        name,
        int(cutoff) if cutoff else None,
        "tok" if unit else "",
        int(given.get("rel", 1)),
        given.get("share", 0.5),
    )


DEFAULT_MEASURES = tuple(
    map(parse_measure, ("R@5", "R@20", "nDCG@10", "RR@10", "EvidenceRecall@4000tok"))
)
