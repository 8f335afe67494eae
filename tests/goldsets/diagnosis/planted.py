"""A corpus with planted faults: the handbook of a workshop, and for each cause a query it loses.

Each family of documents has words of its own, so that families do not disturb each other. Evidence
is lost when it is not among the first `K` places.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from goldsets.diagnosis.causes import Cause
from goldsets.evaluation.measures import Measure
from goldsets.types import NO_ANSWER, Evidence, GoldSet, Query
from retrieval.ingest.chunk import FixedTokens, Given
from retrieval.ingest.embed import Embedder, Purpose
from retrieval.ingest.tokenize import HangulBigrams
from retrieval.pipeline import Pipeline
from retrieval.query.assemble import Context, InRankOrder
from retrieval.query.dense import Dense
from retrieval.query.filter import Equals, Not
from retrieval.query.fuse import RRF
from retrieval.query.lexical import BM25
from retrieval.query.regex import Regex
from retrieval.query.rerank import Reranker, Rescore, reordered
from retrieval.runtime import Runtime
from retrieval.types import Candidates, Chunks, Corpus, Document, Float32, Queries, Span

K = 3
MEASURE = Measure("R", K)

CONCEPTS = (
    ("kiln", "furnace", "가마"),
    ("error", "fault", "failure"),
    ("code", "signal"),
    ("noise", "hum", "silence", "quiet", "din"),
    ("compressor", "pump"),
    ("bicycle", "bike", "자전거"),
    ("repair", "mend", "fix", "수리"),
    ("lamp", "light", "조명"),
)


@dataclass(frozen=True)
class Concepts(Embedder):
    """Sees what is meant by a few words, and nothing in the others."""

    number: ClassVar[dict[str, int]] = {w: i for i, own in enumerate(CONCEPTS) for w in own}

    @property
    def identity(self) -> str:
        return "concepts/1"

    @property
    def dimensions(self) -> int:
        return len(CONCEPTS) + 1

    def embed_batch(self, texts: Sequence[str], purpose: Purpose) -> Float32:
        counts = np.zeros((len(texts), self.dimensions), np.float32)
        counts[:, -1] = 0.1
        for row, text in zip(counts, texts, strict=True):
            for word in text.lower().replace(".", " ").replace(",", " ").split():
                row[self.number.get(word, -1)] += 1.0 if word in self.number else 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@dataclass(frozen=True)
class Phrase(Reranker):
    """Puts first what has most of the query's words in a row."""

    def apply(
        self, corpus: Corpus, chunks: Chunks, queries: Queries, pool: Candidates, rt: Runtime
    ) -> Candidates:
        top = pool.top(self.top_n).ids
        scores = np.zeros(top.shape)
        for q, own in enumerate(top.tolist()):
            words = queries.texts[q].split()
            rows = [" ".join(words[i:j]) for j in range(len(words) + 1) for i in range(j)]
            for at, chunk in enumerate(own):
                text = chunks.text(corpus, chunk) if chunk >= 0 else ""
                scores[q, at] = max((len(r) for r in rows if r in text), default=0)
        return reordered(pool, scores)


LOOM = (
    "Loom booking opens for the weekend. Hours of each loom on a weekend hang by the door, and"
    " booking a loom for weekend hours takes a minute at the desk, with a card in hand and a {}."
)
SAW = (
    "Notice for all who cut wood here. The saw room opens when two people are in, goggles stay on,"
    " sleeves are rolled up, the floor is swept before anybody leaves, and {}"
)
VARNISH = (
    "Whoever wants to varnish a table needs a mask, and waits outside until the fan has run for"
    " nine minutes and the green lamp burns."
)
LONG = (
    "Members come from all over the valley and stay as long as they please. "
    f"{VARNISH} "
    "Tea is in the tin, and biscuits are in the drawer below it for whoever is hungry."
)
KOREAN = (
    "배 시간 안내 입니다. 배 시간 은 문 앞 에 붙어 있고 배 표 는 창구 에서 사며 배 시간 이 바뀌면"
    " 첫 줄 에 붉은 글씨 로 쓰고 모두 에게 알립니다 그리고 언제나 {} 합니다."
)
LACQUER = "옻칠 그릇 은 젖은 천 으로 덮어 두고 물 과 숯 을 넣은 장 에서 말린 뒤 붓 으로 턴다."
STORY = " ".join(
    f"In year {year} the barn gained a {thing} and lost a {other} to the flood."
    for year, thing, other in zip(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        ("forge", "lathe", "bench", "crane", "vice", "drill", "press", "anvil", "jig", "planer"),
        ("roof", "gate", "cart", "fence", "shed", "ladder", "sledge", "trough", "barrow", "pump"),
        strict=True,
    )
)
PRICES = "Clay is sold by the kilo. Glaze is sold by the jar, at twelve coins each."

TEXTS = {
    # crowd: near duplicates of each other stand above what is asked for
    "loom-a": LOOM.format("smile"),
    "loom-b": LOOM.format("nod"),
    "loom-c": LOOM.format("wink"),
    "loom-rule": "A loom is free for two hours without booking.",
    # words alone, words drowned by meaning, meaning alone
    "kiln-e17": "E17 means, for E17 is all it shows, E17: open lid.",
    "kiln-a": "A kiln error is a kiln failure. Kiln error, kiln fault.",
    "kiln-b": "Each kiln error ends the kiln programme. Kiln error, kiln error.",
    "kiln-c": "A kiln error on the kiln is a fault. Kiln error again.",
    "kiln-d": "Some kiln error comes from the kiln. Error of a kiln.",
    "code-q7": "Code Q7 stands for a loose belt.",
    "code-a": "Code code signal code.",
    "code-b": "Signal code code.",
    "code-c": "Code signal.",
    "code-d": "Code code code.",
    "hush": "Turn the red valve until it rests.",
    "hush-a": "To silence a compressor. Compressor noise, compressor hum.",
    "hush-b": "Silence the compressor, silence the noise of a compressor.",
    "hush-c": "Compressor silence and compressor quiet.",
    "hush-d": "How to silence noise: silence.",
    "bike": "A bike is mended on the third floor.",
    "bike-a": "Bicycle repair and bicycle repair.",
    "bike-b": "Bicycle repair, bicycle fix.",
    "bike-c": "Repair of a bicycle, fix of a bicycle.",
    "bike-d": "Fix a bicycle. Bicycle repair.",
    "lamp": "A bulb fits the reading corner.",
    "lamp-a": "Bulb light, bulb lamp, bulb light.",
    "lamp-b": "Lamp bulb, light bulb, lamp.",
    "lamp-c": "Light and lamp, bulb and bulb.",
    "lamp-d": "Bulb, lamp, light, bulb, light.",
    # what a reranker lifts from behind, and what it lets fall
    "wheel-a": "Wheel, spare.",
    "wheel-b": "Spare: wheel.",
    "wheel-c": "Wheel. Spare. Wheel.",
    "wheel-d": "Spare, spare, wheel.",
    "wheel-e": "Wheel, wheel, spare.",
    "wheel-f": "Wheel; spare; spare.",
    "rope": "Coiled, dry: rope is hung on a peg. Rope, dry, coiled.",
    "rope-a": "Nobody here has seen the dry rope coiled since the last of the storms went by.",
    "rope-b": "Somebody said the dry rope coiled itself around the mast when the moon was high.",
    "rope-c": "Everybody hopes that the dry rope coiled up in the loft will last one more year.",
    "peg": "Peg, peg: it stops the hum of a bicycle lamp.",
    "peg-a": "Brass peg, brass.",
    "peg-b": "Brass: peg.",
    "peg-c": "A brass peg.",
    "tar": "Tar and pitch and tallow. Tar keeps a hull tight.",
    "tar-b": "Tar, pitch, tallow, tar, pitch, tallow, tar.\n\nPitch is black.\n\nTallow is white.",
    # Korean: particles hide the words
    "cheese": "치즈를 차가운 선반에 둔다. 물기를 뺀 다음 천으로 덮는다.",
    "flour": "밀가루는 마른 통에 담아 둔다.",
    "tools-ko": "도구 보관 규칙은 문 옆에 있다. 보관 방법을 지킨다.",
    "store-ko": "보관 방법 안내. 보관 기간 안내.",
    "store-ko-2": "보관 방법 그리고 보관 장소.",
    "store-ko-3": "방법 안내와 보관 안내.",
    # a copy that nobody has judged
    "glue": "Bone glue is warmed in a water bath and never boiled, or else it loses its grip.",
    "glue-copy": "Glue, glue: bone glue is warmed in a water bath and never boiled, they say.",
    "glue-b": "Glue for bone. Warm glue, cold glue, bone glue.",
    "glue-c": "Warm bone glue. Glue bone, bone glue.",
    # two notices that differ in what is asked
    "saw-a": SAW.format("the blade of the band saw is changed on Mondays."),
    "saw-b": SAW.format("nobody whistles at all while the saw is running."),
    # one document with several passages
    "paint": "Paint drips. Paint, paint and paint on the paint shelf.\n\n"
    "Paint for boats dries in forty hours. So they say.",
    "paint-b": "Paint brushes are cleaned with soap.",
    # a boundary, a long history, a hole between given chunks
    "varnish": LONG,
    "varnish-a": "To varnish takes time. Varnish table, varnish chair.",
    "varnish-b": "Varnish and table, green varnish, table.",
    "varnish-c": "Table varnish, fan varnish.",
    "story": STORY,
    "prices": PRICES,
    # filters
    "rent-2023": "Rent of a locker is nine coins.",
    "rent-2024": "Rent of a garage is eighty coins.",
    # what has changed, or is found
    # Korean: copies, crowds, boundaries, merging
    "soap-ko": "비누는 그늘에서 여섯 주 동안 말린 뒤에 종이로 싼다. 향은 마지막에 넣는다.",
    "soap-ko-copy": "비누 비누 비누! 비누는 그늘에서 여섯 주 동안 말린 뒤에 종이로 싼다.",
    "ferry-ko-a": KOREAN.format("친절"),
    "ferry-ko-b": KOREAN.format("신속"),
    "ferry-ko-c": KOREAN.format("안전"),
    "ferry-ko": "첫 배 시간은 여섯 시 반 이다.",
    "lacquer-ko": "공방 은 강 옆 에 있고 누구 나 와서 오래 머물 수 있다. "
    + LACQUER
    + " 차 는 통 에 있고 과자 는 서랍 에 있다.",
    "lacquer-ko-a": "옻칠 그릇 천.",
    "lacquer-ko-b": "물 숯 붓.",
    "lacquer-ko-c": "천 물 숯.",
    "rent-ko": "사물함 사용료 는 구천 원 이다.",
    "bike-ko": "두 바퀴 달린 것은 셋째 층에서 고친다.",
    "bus-ko": "막차 는 아홉 시 에 떠난다.",
    "rules": "Doors close at eleven. Keys hang on the brass hook by the window.",
    "wheel": "A spare wheel, so the elders say on the long bench by the stove, costs five.",
    "anvil": "The anvil weighs ninety kilos and is bolted to an oak stump.",
}
YEARS = {"rent-2023": 2023, "rent-ko": 2023}


def paragraphs(text: str) -> tuple[Span, ...]:
    starts = [m.end() for m in re.finditer(r"\A|\n\n", text)]
    ends = [m.start() for m in re.finditer(r"\n\n|\Z", text)]
    return tuple(map(Span, starts, ends))


GIVEN = {"prices": (Span(0, 25),)}


def corpus() -> Corpus:
    documents = (
        Document(
            name,
            text,
            metadata={"year": YEARS.get(name, 2024)},
            given=GIVEN.get(name, paragraphs(text)),
        )
        for name, text in TEXTS.items()
    )
    return Corpus(tuple(documents), "workshop", 1)


@dataclass(frozen=True)
class Planted:
    """A query, the quotes that answer it (document, quote), and how they are lost."""

    cause: Cause
    ask: str
    quotes: tuple[tuple[str, str], ...]
    pipeline: Pipeline
    verified: bool | None = True
    says: str = ""
    """What the detail of the loss says."""


WORDS = Pipeline(chunk=Given(), embed=Concepts(), first=(BM25(),), pool=10)
MEANING = replace(WORDS, first=(Dense(),))
BOTH = replace(WORDS, first=(BM25(), Dense()))
BY_NAME = replace(WORDS, first=(Regex(),))
THIS_YEAR = replace(WORDS, filter=(Equals("year", 2024),))


def assembled(**fields: object) -> Pipeline:
    return replace(WORDS, assemble=Context(**{"duplicates": 0.0, **fields}))  # type: ignore[arg-type]


PLANTED = (
    Planted(
        Cause.NOT_IN_CORPUS,
        "where do boats moor",
        (("harbour", "Boats moor at the northern jetty, two abreast."),),
        WORDS,
        says="no document 'harbour'",
    ),
    Planted(
        Cause.PARSE_LOST,
        "where do keys hang",
        (("rules", "All spare parts stay in the cellar."),),
        WORDS,
        says="is not in its text any more",
    ),
    Planted(
        Cause.PARSE_LOST,
        "which hook are keys on",
        (("rules", "Keys hang on the iron hook by the window."),),
        WORDS,
        says="reads differently now",
    ),
    Planted(
        Cause.PARSE_LOST,
        "glaze by the jar",
        (("prices", "Glaze is sold by the jar, at twelve coins each."),),
        WORDS,
        says="0% of its characters",
    ),
    Planted(
        Cause.BOUNDARY_CUT,
        "varnish table mask fan minutes green lamp",
        (("varnish", VARNISH),),
        replace(WORDS, chunk=FixedTokens(size=32)),
        says="no chunk holds more than",
    ),
    Planted(
        Cause.BOUNDARY_CUT,
        "what did the barn gain and lose",
        (("story", STORY),),
        replace(WORDS, chunk=FixedTokens(size=16)),
        says="no 3 chunks hold",
    ),
    Planted(
        Cause.FILTERED_OUT,
        "rent of a locker",
        (("rent-2023", "Rent of a locker is nine coins."),),
        THIS_YEAR,
        says="kept out by year = 2024",
    ),
    Planted(
        Cause.FILTERED_OUT,
        "rent of a garage",
        (("rent-2024", "Rent of a garage is eighty coins."),),
        replace(WORDS, filter=(Equals("year", 2024), Not(Equals("year", 2024)))),
        says="kept out by not year = 2024",
    ),
    Planted(
        Cause.PROBABLY_UNLABELLED,
        "bone glue",
        (("glue", "Bone glue is warmed in a water bath and never boiled"),),
        WORDS,
        verified=False,
        says="the passage at rank 3 has 88% of its words",
    ),
    Planted(
        Cause.CROWDED,
        "loom hours weekend booking",
        (("loom-rule", "A loom is free for two hours without booking."),),
        WORDS,
        says="it is ranked 4th",
    ),
    Planted(
        Cause.LEXICAL_MISS,
        "치즈 보관 방법",
        (("cheese", "치즈를 차가운 선반에 둔다."),),
        WORDS,
        says="BM25 shares no term with it",
    ),
    Planted(
        Cause.LEXICAL_MISS,
        "what is SAW_9",
        (("anvil", "The anvil weighs ninety kilos"),),
        BY_NAME,
        says="Regex has it nowhere",
    ),
    Planted(
        Cause.LEXICAL_MISS,
        "how to fix a bicycle",
        (("bike", "A bike is mended on the third floor."),),
        BOTH,
    ),
    Planted(
        Cause.SEMANTIC_MISS,
        "code Q7",
        (("code-q7", "Code Q7 stands for a loose belt."),),
        MEANING,
    ),
    Planted(
        Cause.SEMANTIC_MISS,
        "bulb lamp light",
        (("lamp", "A bulb fits the reading corner."),),
        replace(BOTH, pool=5, fuse=RRF(k=0)),
        says="BM25 ranks it 5th; Dense ranks it",
    ),
    Planted(
        Cause.BOTH_MISS,
        "silence the compressor noise",
        (("hush", "Turn the red valve until it rests."),),
        BOTH,
    ),
    Planted(
        Cause.DROWNED,
        "kiln E17",
        (("kiln-e17", "E17 means, for E17 is all it shows, E17: open lid."),),
        BOTH,
        says="BM25 alone has it",
    ),
    Planted(
        Cause.DROWNED,
        "kiln E17",
        (("kiln-e17", "E17 means, for E17 is all it shows, E17: open lid."),),
        replace(BOTH, first=(BM25(k1=0.9), Dense()), fuse=RRF(weights=(0.2, 0.8))),
    ),
    Planted(
        Cause.BELOW_POOL,
        "spare wheel",
        (("wheel", "A spare wheel"),),
        replace(WORDS, pool=5, rerank=Phrase(top_n=5)),
        says="BM25 ranks it 7th",
    ),
    Planted(
        Cause.BELOW_POOL,
        "spare wheel",
        (("wheel", "A spare wheel"),),
        replace(WORDS, rerank=Phrase(top_n=5)),
    ),
    Planted(
        Cause.BELOW_POOL,
        "tar pitch tallow",
        (("tar", "Tar keeps a hull tight."),),
        replace(WORDS, pool=1),
        says="BM25 ranks it 2nd",
    ),
    Planted(
        Cause.RERANK_DEMOTED,
        "dry rope coiled",
        (("rope", "Coiled, dry: rope is hung on a peg."),),
        replace(WORDS, rerank=Phrase()),
        says="1st before it, 4th after",
    ),
    Planted(
        Cause.RERANK_DEMOTED,
        "tar pitch tallow",
        (("tar", "Tar keeps a hull tight."),),
        replace(WORDS, rerank=Rescore(late=0.0, document=9.0)),
        says="2nd before it, 4th after",
    ),
    Planted(
        Cause.RERANK_DEMOTED,
        "loose whistles: spare, wheel",
        (("wheel", "A spare wheel"),),
        replace(WORDS, rerank=Phrase()),
        verified=False,
        says="before it, ",
    ),
    Planted(
        Cause.LEXICAL_MISS,
        "how to fix a bicycle",
        (("bike", "A bike is mended on the third floor."),),
        replace(WORDS, pool=50, rerank=Rescore(late=0.0, document=0.0)),
        says="BM25 ranks it",
    ),
    Planted(
        Cause.MERGED_AWAY,
        "band saw blade whistles",
        (("saw-b", "nobody whistles at all while the saw is running."),),
        assembled(duplicates=0.5),
        says="a better ranked passage says the same",
    ),
    Planted(
        Cause.DIVERSITY_CUT,
        "paint",
        (("paint", "Paint for boats dries in forty hours."),),
        assembled(per_document=1),
        says="its document had as many passages as it may",
    ),
    Planted(
        Cause.DIVERSITY_CUT,
        "bicycle repair",
        (("bike-b", "Bicycle repair, bicycle fix."),),
        assembled(diversity=0.9),
        says="what resembles it came first",
    ),
    Planted(
        Cause.CAP_CUT,
        "anvil",
        (("anvil", "The anvil weighs ninety kilos"),),
        assembled(max_tokens=4),
        says="it did not fit whole under the cap",
    ),
    Planted(
        Cause.CAP_CUT,
        "paint brushes soap",
        (("paint", "Paint for boats dries in forty hours."),),
        replace(WORDS, assemble=InRankOrder(max_tokens=20)),
        says="and did not fit",
    ),
    Planted(
        Cause.CAP_CUT,
        "비누 막차",
        (("bus-ko", "막차 는 아홉 시 에 떠난다."),),
        replace(WORDS, assemble=InRankOrder(k=1)),
    ),
    Planted(
        Cause.CAP_CUT,
        "paint brushes soap",
        (("paint", "Paint for boats dries in forty hours."),),
        assembled(k=2),
        says="it stands behind the k that assembling takes",
    ),
    *(
        Planted(
            Cause.CAP_CUT,
            ask,
            (("tar", "Tar keeps a hull tight."),),
            pipeline,
            says="it is read too late in the context",
        )
        for ask, pipeline in (
            ("tar pitch tallow", assembled(order="document")),
            ("tar pitch tallow", assembled(order="edges")),
            ("tar", assembled(neighbours=2)),
        )
    ),
    # the same in Korean, and where several things come together
    Planted(
        Cause.BOUNDARY_CUT,
        "옻칠 그릇 천 물 숯 붓",
        (("lacquer-ko", LACQUER),),
        replace(WORDS, chunk=FixedTokens(size=36)),
    ),
    Planted(
        Cause.FILTERED_OUT,
        "사물함 사용료",
        (("rent-ko", "사물함 사용료 는 구천 원 이다."),),
        THIS_YEAR,
    ),
    Planted(
        Cause.PROBABLY_UNLABELLED,
        "비누",
        (("soap-ko", "비누는 그늘에서 여섯 주 동안 말린 뒤에 종이로 싼다."),),
        WORDS,
        verified=False,
        says="the passage at rank 1 has",
    ),
    Planted(
        Cause.CROWDED,
        "배 시간",
        (("ferry-ko", "첫 배 시간은 여섯 시 반 이다."),),
        assembled(k=10),
    ),
    Planted(
        Cause.CROWDED,
        "배 시간",
        (("ferry-ko", "첫 배 시간은 여섯 시 반 이다."),),
        replace(WORDS, assemble=InRankOrder(k=3, max_tokens=120)),
    ),
    Planted(
        Cause.MERGED_AWAY,
        "배 시간 표 신속",
        (("ferry-ko-a", "그리고 언제나 친절 합니다."),),
        assembled(duplicates=0.8, join=False),
    ),
    Planted(
        Cause.SEMANTIC_MISS,
        "자전거 수리",
        (("bike-ko", "두 바퀴 달린 것은 셋째 층에서 고친다."),),
        MEANING,
    ),
    Planted(
        Cause.DROWNED,
        "보관 안내 규칙을",
        (("tools-ko", "도구 보관 규칙은 문 옆에 있다."),),
        replace(
            WORDS, first=(BM25(), BM25(tokenize=HangulBigrams())), fuse=RRF(weights=(1.0, 0.1))
        ),
    ),
    Planted(
        Cause.DROWNED,
        "spare wheel",
        (("wheel", "A spare wheel"),),
        replace(BOTH, fuse=RRF(weights=(0.1, 0.9)), pool=8, rerank=Phrase(top_n=8)),
        says="BM25 alone has it 7th; fused it is nowhere",
    ),
    Planted(
        Cause.BELOW_POOL,
        "brass peg din",
        (("peg", "Peg, peg: it stops the hum of a bicycle lamp."),),
        replace(BOTH, pool=4),
        says="BM25 ranks it 4th; Dense ranks it 5th",
    ),
    Planted(Cause.NO_ANSWER, "is there a swimming pool", (), WORDS),
)


def query_of(at: int, planted: Planted) -> Query:
    tags = (NO_ANSWER,) if planted.cause is Cause.NO_ANSWER else ()
    return Query(f"q{at}", planted.ask, tags=tags)


def gold(every: Sequence[Planted] = PLANTED) -> GoldSet:
    queries = tuple(query_of(i, planted) for i, planted in enumerate(every))
    evidence = {
        q.id: tuple(quoted(*quote) for quote in p.quotes)
        for q, p in zip(queries, every, strict=True)
    }
    return GoldSet("planted", "workshop", queries, evidence)


def quoted(document: str, quote: str) -> Evidence:
    text = TEXTS.get(document, "")
    start = text.find(quote)
    if start < 0:
        return Evidence(document, 0, len(quote), quote)
    return Evidence.of(document, text, start, start + len(quote))
