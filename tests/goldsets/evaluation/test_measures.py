import itertools

import ir_measures
import pytest

from goldsets.evaluation.measures import ABOUT, CHARACTER, NAMES, STATIC, Measure, parse_measure
from retrieval.errors import SpecError


def every_measure() -> list[Measure]:
    found = []
    for name, k, rel, share in itertools.product(NAMES, (1, 20, 10_000), (1, 2), (0.5, 0.8, 1 / 3)):
        if (rel != 1 and name in ("nDCG", "Judged")) or (share != 0.5 and name != "R"):
            continue
        cutoff = None if name in STATIC else k
        found.append(Measure(name, cutoff, "", rel, share))
        if name in CHARACTER:
            found.append(Measure(name, cutoff, "tok", rel, share))
    return found


@pytest.mark.parametrize("measure", every_measure(), ids=str)
def test_a_measure_prints_and_parses_back(measure: Measure) -> None:
    again = parse_measure(str(measure))
    assert again == measure
    assert hash(again) == hash(measure)
    assert str(again) == str(measure)


@pytest.mark.parametrize("text", ["R@5", "P@10", "nDCG@10", "RR@3", "AP@7", "R(rel=2)@20"])
def test_names_are_those_of_ir_measures(text: str) -> None:
    assert str(ir_measures.parse_measure(text)) == str(parse_measure(text)) == text


def test_defaults_are_left_out_and_space_does_not_matter() -> None:
    assert str(parse_measure("R( rel = 1, share=0.5 ) @ 20")) == "R@20"
    assert str(parse_measure("EvidenceRecall@4000tok")) == "EvidenceRecall@4000tok"


def test_every_measure_is_described() -> None:
    assert set(ABOUT) == set(NAMES)
    assert parse_measure("R@5").about.startswith("Recall")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "nDCG@10"),
        ("nDCG@", "nDCG@10"),
        ("nDCG@-1", "nDCG@10"),
        ("R(rel=2", "nDCG@10"),
        ("ndcg@10", "known: R, P"),
        ("Precision@10", "known: R, P"),
        ("R", "needs a cutoff"),
        ("PrecisionOmega@5", "takes no cutoff"),
        ("R@0", "at least 1"),
        ("nDCG@100tok", "EvidenceRecall@4000tok"),
        ("R(cutoff=2)@5", "no parameter 'cutoff'"),
        ("R(rel=two)@5", "rel takes a number, not 'two'"),
        ("R(rel=1.5)@5", "rel takes a number, not '1.5'"),
        ("R(rel=0)@5", "rel must be at least 1"),
        ("R(share=0)@5", "share must be above 0"),
        ("R(share=1.1)@5", "share must be above 0"),
        ("R(share=nan)@5", "share must be above 0"),
        ("P(share=0.8)@5", "takes no share"),
        ("nDCG(rel=2)@5", "takes no rel"),
    ],
)
def test_what_is_not_a_measure_is_refused_with_the_fix(text: str, says: str) -> None:
    with pytest.raises(SpecError) as error:
        parse_measure(text)
    assert says in str(error.value)
