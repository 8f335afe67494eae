"""The causes for which evidence is lost: a fixed list, in the order of the boxes."""

from enum import StrEnum


class Cause(StrEnum):
    """The earliest box that lost a piece of evidence, or why it only looks lost."""

    NOT_IN_CORPUS = "not_in_corpus"
    PARSE_LOST = "parse_lost"
    BOUNDARY_CUT = "boundary_cut"
    FILTERED_OUT = "filtered_out"
    PROBABLY_UNLABELLED = "probably_unlabelled"
    CROWDED = "crowded_by_near_duplicates"
    LEXICAL_MISS = "lexical_miss"
    SEMANTIC_MISS = "semantic_miss"
    BOTH_MISS = "both_miss"
    DROWNED = "drowned_in_fusion"
    BELOW_POOL = "below_pool"
    RERANK_DEMOTED = "rerank_demoted"
    MERGED_AWAY = "merged_away"
    DIVERSITY_CUT = "diversity_cut"
    CAP_CUT = "cap_cut"
    NO_ANSWER = "no_answer_expected"

    @property
    def words(self) -> str:
        """Return the cause as it is read: without underscores."""
        return self.value.replace("_", " ")


ABOUT = {
    Cause.NOT_IN_CORPUS: "Its document is not in this version of the corpus.",
    Cause.PARSE_LOST: "Its document is there, its words are not: lost in parsing, or edited since.",
    Cause.BOUNDARY_CUT: "Boundaries between chunks cut it; whole in one chunk it is found.",
    Cause.FILTERED_OUT: "A filter keeps its chunk from being searched.",
    Cause.PROBABLY_UNLABELLED: "A passage above it that nobody has judged says the same words.",
    Cause.CROWDED: "Near duplicates of each other stand above it; merged, it is found.",
    Cause.LEXICAL_MISS: "Search by words ranks it too low, or shares no term with it.",
    Cause.SEMANTIC_MISS: "Search by meaning ranks it too low.",
    Cause.BOTH_MISS: "Search by words and search by meaning both rank it too low.",
    Cause.DROWNED: "One first stage alone has it high enough; the fused ranking has not.",
    Cause.BELOW_POOL: "It stands just below the candidates that are looked at again.",
    Cause.RERANK_DEMOTED: "The reranker saw it, and put it too low.",
    Cause.MERGED_AWAY: "It was merged into a better ranked passage that resembles it.",
    Cause.DIVERSITY_CUT: "Other passages of its document, or like it, had taken its place.",
    Cause.CAP_CUT: "Ranked well enough, it did not fit into the context, or is read too late.",
    Cause.NO_ANSWER: "The corpus has no answer to this query: nothing is to be found.",
}
"""Each cause in a sentence."""

MISSES = (Cause.LEXICAL_MISS, Cause.SEMANTIC_MISS, Cause.BOTH_MISS)
