"""Starting a sweep: from names and a spec to a job in the ledger."""

from collections.abc import Iterator

from goldsets import jobs
from goldsets.evaluation.plan import Plan, plan
from goldsets.evaluation.spec import SweepSpec, sweep_of
from goldsets.evaluation.words import count, listed
from goldsets.store import gold
from goldsets.types import GoldSet
from retrieval.cost import Outlay, money, total
from retrieval.errors import InputError
from retrieval.runtime import Runtime
from retrieval.store import Workspace, corpora
from retrieval.types import Corpus


def start_sweep(
    workspace: Workspace, spec: SweepSpec, goldset: str, version: int | None = None
) -> jobs.Job:
    """Put a sweep into the ledger and see to a worker; the same sweep again is joined.

    Raises:
        NotFound: there is no such gold set, corpus or version.
        InputError: the gold set has no queries.
    """
    gold_, corpus = _inputs(workspace, goldset, version)
    wanted = {
        "sweep": spec.plain(),
        "goldset": goldset,
        "gold_version": gold_.version,
        "corpus": corpus.name,
        "corpus_version": corpus.version,
    }
    return jobs.start(workspace, "sweep", wanted, len(spec.variants))


def plan_of(
    workspace: Workspace, spec: SweepSpec, goldset: str, version: int | None = None
) -> Plan:
    """Say what a sweep would make and embed, before it is started."""
    gold_, corpus = _inputs(workspace, goldset, version)
    return plan(spec, gold_, corpus, Runtime(workspace))


def resume_plan(workspace: Workspace, job: jobs.Job) -> Iterator[str]:
    """Phrase what is still to pay, and what is missing, when a sweep that is over goes on."""
    version = job.spec["corpus_version"]
    p = plan_of(workspace, sweep_of(job.spec["sweep"]), job.spec["goldset"], version)
    yield from embedding_plan(p)
    yield from lacking(p)


def sweep_plan(
    workspace: Workspace, spec: SweepSpec, goldset: str, version: int | None = None
) -> Iterator[str]:
    """Phrase a sweep's plan, a line a fact."""
    p = plan_of(workspace, spec, goldset, version)
    yield f"{count(p.variants, 'variant')} from {count(p.stages, 'distinct stage')}"
    yield f"{count(p.kept, 'stage')} kept from before, {count(p.to_make, 'stage')} to make"
    yield from embedding_plan(p)
    yield from to_ask(p)
    yield from lacking(p)


def to_ask(p: Plan) -> Iterator[str]:
    """Phrase what retrievers behind a URL are asked, a line a retriever."""
    for url, (new, kept) in p.to_ask.items():
        before = f"; {count(kept, 'answer')} kept under its version" if kept else ""
        yield f"{count(new, 'query', 'queries')} to ask {url}{before}"


def lacking(p: Plan) -> Iterator[str]:
    """Phrase what is not set up here: the variants that will fail, why, and the fix."""
    for problem, names in p.lacking.items():
        yield f"{listed(names)} will fail: {problem}"


def embedding_plan(p: Plan) -> Iterator[str]:
    """Phrase what embedding takes, a line a model: for vendors' the calls, tokens and money."""
    for model, texts in p.texts_to_embed.items():
        if model not in p.outlays:
            yield f"{count(texts, 'text')} to embed with {model}, at no cost (on this machine)"
    for model, planned in p.contexts.items():
        yield outlay_line("context", f"to write with {model}", planned)
    for model, planned in p.rewrites.items():
        yield outlay_line("answer", f"to rewrite queries with {model}", planned)
    for model, planned in p.outlays.items():
        yield outlay_line("text", f"to embed with {model}", planned)
    for model, planned in p.reranking.items():
        yield outlay_line("candidate", f"to rerank with {model}", planned)
    for model, texts in p.token_texts.items():
        most = f"at most {count(texts, 'text')} to embed token by token with {model}"
        yield f"{most}, at no cost (on this machine)"
    if p.texts_to_embed and any(o.texts for o in (*p.contexts.values(), *p.rewrites.values())):
        yield "what to embed is an estimate while contexts or queries are still to be written"
    kinds = (p.contexts, p.rewrites, p.outlays, p.reranking)
    paid = [planned for by_model in kinds for planned in by_model.values()]
    if len(paid) > 1:
        yield f"{price_line(total(planned.usd for planned in paid))} in all"


def outlay_line(noun: str, doing: str, planned: Outlay) -> str:
    """Phrase what paid work takes: calls, tokens and money, and what is kept from before."""
    amount = count(planned.tokens, "token")
    if planned.searches:
        amount = count(planned.searches, "search", "searches")
    calls = count(planned.calls, "call")
    new = f"{count(planned.texts, noun)} {doing}: {calls}, {amount}, {price_line(planned.usd)}"
    if planned.estimated:
        new += ", an estimate until the first stages have run"
    if not planned.kept_texts:
        return new
    tokens = f" of {count(planned.kept_tokens, 'token')}" if planned.kept_tokens else ""
    kept = f"{count(planned.kept_texts, noun)}{tokens}"
    return f"{new}; {kept} kept from before ({price_line(planned.kept_usd)})"


def price_line(usd: float | None) -> str:
    """Phrase a price; one that is not known says where to tell it."""
    return "an unknown price (see prices.json)" if usd is None else f"about {money(usd)}"


def _inputs(workspace: Workspace, goldset: str, version: int | None) -> tuple[GoldSet, Corpus]:
    gold_ = gold.read(workspace, goldset)
    if not gold_.queries:
        raise InputError(f"gold set {goldset!r} has no queries yet; add some on the Gold set page")
    return gold_, corpora.read(workspace, gold_.corpus, version)
