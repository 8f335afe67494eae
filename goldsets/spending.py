"""What vendors were paid, in words and as a table; the sums are the ledger's."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from goldsets import jobs
from goldsets.evaluation.words import count
from retrieval.cost import Usage, money
from retrieval.errors import NotFound
from retrieval.store import Workspace, ledger
from retrieval.store.ledger import Call, Line, Scope

GONE_SECONDS = 900.0
"""A call that is open for longer was left by a process that is gone: none may take so long."""
COLUMNS = ("id", "begun", "ended", "model", "kind", "job", "state")
AFTER = ("expected_usd", "usd", "error")
USED = tuple(f.name for f in fields(Usage))


@dataclass(frozen=True)
class Held:
    """A budget's scope with what is spent in it; `limit` is None where nothing holds it."""

    scope: Scope
    about: str
    spent: float
    limit: float | None

    @property
    def share(self) -> float:
        """Return how much of the budget is used, from 0 to 1; 0 without one."""
        if self.limit is None:
            return 0.0
        return min(self.spent / self.limit, 1.0) if self.limit else 1.0

    @property
    def said(self) -> str:
        """Phrase it: `Today $0.43 of $5.00`."""
        limit = f"of {money(self.limit)}" if self.limit is not None else "(no budget)"
        return f"{self.about} {money(self.spent)} {limit}"


def held(workspace: Workspace) -> list[Held]:
    """Return each scope of budgets with what is spent in it; of jobs, the most expensive."""
    limits = ledger.budgets(workspace)
    by_job = [line for line in ledger.lines(workspace, "job") if line.name is not None]
    dearest = max(by_job, key=lambda line: line.usd, default=None)
    job = job_name(workspace, dearest.name).capitalize() if dearest else "Any job"
    return [
        Held("day", "Today", ledger.spent(workspace, "day").usd, limits.get("day")),
        Held("job", job, dearest.usd if dearest else 0.0, limits.get("job")),
        Held("workspace", "Ever", ledger.spent(workspace).usd, limits.get("workspace")),
    ]


def since(days: int | None) -> str:
    """Return the first of the last so many days (UTC), today among them; all time for None."""
    return "" if days is None else (today() - timedelta(days=days - 1)).date().isoformat()


def today() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)


def paid(line: Line) -> str:
    """Phrase what calls cost; those of unknown price are counted apart, never as nothing."""
    if not line.unknown:
        return money(line.usd)
    apart = f"{count(line.unknown, 'call')} of unknown price"
    return f"{money(line.usd)} and {apart}" if line.usd else apart


def job_name(workspace: Workspace, job: object) -> str:
    """Name what a job was: `sweep 12 on handbook`; calls outside jobs are checks and trials."""
    if job is None:
        return "outside jobs"
    try:
        found = jobs.get(workspace, int(str(job)))
    except NotFound:
        return f"job {job}"
    goldset = found.spec.get("goldset")
    return f"{found.kind} {job}" + (f" on {goldset}" if goldset else "")


def added_up(lines: Iterable[Line]) -> Line:
    """Add lines up to one without a name."""
    every = list(lines)
    numbers = {
        name: sum(getattr(line, name) for line in every)
        for name in ("calls", "open", "failed", "unknown", "usd")
    }
    return Line(None, usage=sum((line.usage for line in every), Usage()), **numbers)


def in_flight(workspace: Workspace) -> tuple[list[Call], list[Call]]:
    """Return the calls that are open: those in flight, and those whose process is gone."""
    every = ledger.calls(workspace, -1, "open")
    oldest = (today() - timedelta(seconds=GONE_SECONDS)).isoformat(timespec="milliseconds")
    return [c for c in every if c.begun >= oldest], [c for c in every if c.begun < oldest]


def as_csv(calls: Sequence[Call]) -> str:
    """Write calls as CSV, a row a call; a price that is not known is an empty field."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*COLUMNS, *USED, *AFTER])
    before, used, after = (attrgetter(*names) for names in (COLUMNS, USED, AFTER))
    table.writerows([*before(call), *used(call.usage), *after(call)] for call in calls)
    return text.getvalue()
