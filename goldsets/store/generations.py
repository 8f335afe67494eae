"""Generations: their samples, people's labels of passages, verdicts by versions of prompts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Row
from typing import Any

from goldsets.generation.types import Generation, Look, Passage, Prompted, Sampled, Verdict, Worth
from retrieval.errors import InputError, NotFound
from retrieval.store import Workspace
from retrieval.store.workspace import now
from retrieval.types import digest

PASSAGES = "SELECT p.* FROM sampled s JOIN passages p ON p.id = s.passage WHERE s.generation = ?"
LABELS = (
    "SELECT * FROM worth WHERE id IN (SELECT max(w.id) FROM worth w JOIN sampled s"
    " ON s.passage = w.passage WHERE s.generation = ? GROUP BY w.passage, w.who)"
    " AND worth IS NOT NULL ORDER BY id"
)


def begin(
    workspace: Workspace,
    spec: Mapping[str, Any],
    corpus: str,
    corpus_version: int,
    goldset: str,
    real: Sequence[str],
) -> Generation:
    """Enter a generation; the same spec on the same corpus and gold set is the one there is.

    `real` are the real queries it goes by; those of the first time stay.
    """
    packed = json.dumps(spec, sort_keys=True, ensure_ascii=False)
    key = digest("generation", packed, corpus, str(corpus_version), goldset)
    with workspace.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO generations"
            " (key, spec, corpus, corpus_version, goldset, real, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [key, packed, corpus, corpus_version, goldset, _packed(list(real)), now()],
        )
        row = db.execute("SELECT * FROM generations WHERE key = ?", [key]).fetchone()
    return _generation(row)


def read(workspace: Workspace, generation: int) -> Generation:
    """Read a generation.

    Raises:
        NotFound: there is none of that number.
    """
    with workspace.read() as db:
        row = db.execute("SELECT * FROM generations WHERE id = ?", [generation]).fetchone()
    if row is None:
        raise NotFound("generation", generation)
    return _generation(row)


def recent(workspace: Workspace, goldset: str | None = None) -> list[Generation]:
    """List generations, of a gold set or all, newest first."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM generations WHERE ? IS NULL OR goldset = ? ORDER BY id DESC",
            [goldset, goldset],
        )
        return [_generation(row) for row in rows]


def turn_dial(workspace: Workspace, generation: int, thresholds: Mapping[str, Any]) -> None:
    """Keep the thresholds by which a generation's drafts are filtered from now on."""
    with workspace.write() as db:
        db.execute(
            "UPDATE generations SET thresholds = ? WHERE id = ?", [_packed(thresholds), generation]
        )


def keep_sample(workspace: Workspace, generation: int, passages: Sequence[Passage]) -> None:
    """Keep a generation's sample in its order; one that is there already stays."""
    corpus = read(workspace, generation).corpus
    with workspace.write() as db:
        db.executemany(
            'INSERT OR IGNORE INTO passages (corpus, key, document, start, "end", text, title,'
            " path, block, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ([corpus, p.key, *_fields(p), now()] for p in passages),
        )
        db.executemany(
            "INSERT OR IGNORE INTO sampled (generation, place, passage)"
            " SELECT ?, ?, id FROM passages WHERE corpus = ? AND key = ?",
            ([generation, place, corpus, p.key] for place, p in enumerate(passages)),
        )


def sample(workspace: Workspace, generation: int) -> list[Sampled]:
    """Return a generation's passages in the order they were drawn."""
    with workspace.read() as db:
        rows = db.execute(f"{PASSAGES} ORDER BY s.place", [generation]).fetchall()
    return [Sampled(row["id"], _passage(row)) for row in rows]


def label(workspace: Workspace, passage: int, worth: bool | None, who: str) -> None:
    """Log what a person says of a passage; None takes their label back.

    Raises:
        InputError: nobody is named.
        NotFound: there is no such passage.
    """
    if not who.strip():
        raise InputError("a label needs the name of who gives it")
    with workspace.write(durable=True) as db:
        if not db.execute("SELECT 1 FROM passages WHERE id = ?", [passage]).fetchone():
            raise NotFound("passage", passage)
        db.execute(
            "INSERT INTO worth (passage, worth, who, created) VALUES (?, ?, ?, ?)",
            [passage, worth, who.strip(), now()],
        )


def labels(workspace: Workspace, generation: int) -> list[Worth]:
    """Return the newest label that each person gave to each passage of a generation's sample."""
    with workspace.read() as db:
        rows = db.execute(LABELS, [generation]).fetchall()
    return [Worth(r["passage"], bool(r["worth"]), r["who"], r["created"]) for r in rows]


def keep_prompts(workspace: Workspace, prompts: Iterable[Prompted]) -> None:
    """Keep versions of prompts; one that is there already stays as it is."""
    with workspace.write() as db:
        db.executemany(
            "INSERT OR IGNORE INTO prompts (key, task, name, text, model, created)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            ([p.key, p.task, p.name, p.text, _packed(p.model), now()] for p in prompts),
        )


def prompts(workspace: Workspace, task: str) -> list[Prompted]:
    """Return all versions of a task's prompts, oldest first."""
    with workspace.read() as db:
        rows = db.execute("SELECT * FROM prompts WHERE task = ? ORDER BY created, key", [task])
        return [
            Prompted(r["key"], task, r["name"], r["text"], json.loads(r["model"]), r["created"])
            for r in rows
        ]


def keep_verdicts(workspace: Workspace, verdicts: Iterable[Verdict]) -> None:
    """Keep what judges said, in place of what the same version of a prompt said of a passage."""
    with workspace.write() as db:
        db.executemany(
            "INSERT OR REPLACE INTO verdicts (passage, prompt, yes, reason, created)"
            " VALUES (?, ?, ?, ?, ?)",
            ([v.passage, v.prompt, v.yes, v.reason, now()] for v in verdicts),
        )


def verdicts(workspace: Workspace, generation: int) -> list[Verdict]:
    """Return all verdicts on the passages of a generation's sample, of every version of a prompt.

    `prompt` tells the versions apart, see `prompts`.
    """
    with workspace.read() as db:
        rows = db.execute(
            "SELECT v.*, p.name FROM verdicts v JOIN prompts p ON p.key = v.prompt"
            " JOIN sampled s ON s.passage = v.passage WHERE s.generation = ?"
            " ORDER BY s.place, p.created, p.key",
            [generation],
        )
        return [
            Verdict(
                r["passage"],
                r["prompt"],
                r["name"],
                None if r["yes"] is None else bool(r["yes"]),
                r["reason"],
            )
            for r in rows
        ]


def keep_look(workspace: Workspace, generation: Generation, look: Look) -> None:
    """Keep a look at the held-out half; the same one again is no other."""
    with workspace.write() as db:
        db.execute(
            "INSERT OR IGNORE INTO looks (corpus, goldset, key, wordings, passages, who, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                *(generation.corpus, generation.goldset, look.key, _packed(look.wordings)),
                *(look.passages, look.who, now()),
            ],
        )


def looks(workspace: Workspace, generation: Generation) -> list[Look]:
    """Return all looks at the held-out half of a generation's corpus and gold set, oldest first."""
    with workspace.read() as db:
        rows = db.execute(
            "SELECT * FROM looks WHERE corpus = ? AND goldset = ? ORDER BY id",
            [generation.corpus, generation.goldset],
        )
        return [
            Look(r["key"], tuple(json.loads(r["wordings"])), r["passages"], r["who"], r["created"])
            for r in rows
        ]


def _fields(p: Passage) -> Sequence[object]:
    return (p.document, p.start, p.end, p.text, p.title, _packed(p.path), p.block)


def _passage(row: Row) -> Passage:
    path = tuple(json.loads(row["path"]))
    place = (row["document"], row["start"], row["end"], row["text"])
    return Passage(*place, row["title"], path, row["block"])


def _generation(row: Row) -> Generation:
    spec, real = json.loads(row["spec"]), tuple(json.loads(row["real"]))
    where = (row["corpus"], row["corpus_version"], row["goldset"])
    dial = json.loads(row["thresholds"]) if row["thresholds"] else spec.get("thresholds", {})
    return Generation(row["id"], spec, *where, real, row["created"], dial)


def _packed(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
