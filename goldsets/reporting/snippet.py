"""A pipeline that leaves the app: as its spec, or as a program that uses `retrieval` alone."""

import json

import yaml

from goldsets.evaluation.run import Run
from goldsets.outside.source import source_of
from retrieval.errors import InputError
from retrieval.pipeline import Pipeline, short_spec
from retrieval.query.assemble import Context

FORMS = (".yaml", ".json", ".py")
PROGRAM = r'''"""Search a folder by the pipeline {name}.

    python {{this file}} FOLDER QUESTION
"""

import sys
from pathlib import Path

from retrieval.ingest.read import read_paths
from retrieval.pipeline import pipeline_of
from retrieval.runtime import Runtime
from retrieval.types import Corpus, Queries

PIPELINE = pipeline_of({spec})


'''
PASSAGES = r'''def search(folder: Path, question: str, k: int = 5) -> list[tuple[str, str, float]]:
    """Return the best passages as (document, text, score)."""
    corpus, rt = Corpus(read_paths([folder]).documents, "corpus", 1), Runtime()
    index = PIPELINE.ingest(corpus, rt)
    found = PIPELINE.search(index, Queries((question,)), rt).value.top(k)
    chunks = index.chunks.value
    return [
        (corpus.documents[int(chunks.document[i])].id, chunks.text(corpus, i), score)
        for i, score in zip(found.ids[0].tolist(), found.scores[0].tolist())
        if i >= 0
    ]


if __name__ == "__main__":
    for document, text, score in search(Path(sys.argv[1]), " ".join(sys.argv[2:])):
        print(f"{score:.3f}  {document}\n{text[:300]}\n")
'''
CONTEXT = '''def context(folder: Path, question: str) -> str:
    """Return what the reader gets; the question may follow."""
    corpus, rt = Corpus(read_paths([folder]).documents, "corpus", 1), Runtime()
    index = PIPELINE.ingest(corpus, rt)
    found = PIPELINE.search(index, Queries((question,)), rt).value
    return PIPELINE.assemble.texts(index, found)[0]


if __name__ == "__main__":
    print(context(Path(sys.argv[1]), " ".join(sys.argv[2:])))
'''


def as_spec(run: Run, form: str = ".yaml") -> str:
    """Write a run's pipeline as a spec in which defaults are left out.

    Raises:
        InputError: the run is of a retriever from outside.
    """
    spec = short_spec(_pipeline(run))
    if form == ".json":
        return json.dumps(spec, ensure_ascii=False, indent=1) + "\n"
    return yaml.safe_dump(spec, sort_keys=False, allow_unicode=True)


def as_python(run: Run) -> str:
    """Write a run's pipeline as a program that prints passages, or the text of a `Context`.

    Raises:
        InputError: the run is of a retriever from outside.
    """
    name = json.dumps(run.variant, ensure_ascii=True).replace("\\", "").replace('"', "")
    pipeline = _pipeline(run)
    writes = isinstance(pipeline.assemble, Context)
    head = PROGRAM.format(name=name, spec=repr(short_spec(pipeline)))
    return head + (CONTEXT if writes else PASSAGES)


def _pipeline(run: Run) -> Pipeline:
    source = source_of(run.spec)
    if not isinstance(source, Pipeline):
        raise InputError(f"{run.variant!r} is from outside: it has no pipeline to write")
    return source
