"""Files of an import: found in the folder that was given, read as they lie, named in messages."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldsets.formats.base import Report, inside
from retrieval.errors import InputError
from retrieval.ingest.fields import named, parse_json, parse_object
from retrieval.ingest.read import decoded


@dataclass(frozen=True)
class Source:
    """A file of an import; messages name it by its path in the folder that was given."""

    path: Path
    name: str

    def text(self, encoding: str = "utf-8") -> str:
        """Return the whole text, line ends as they are.

        Raises:
            InputError: it is not text in that encoding.
        """
        with inside(self.name, ": "):
            return decoded(self.path.read_bytes(), encoding, fix="name it with `encoding`")

    def json(self) -> Any:
        """Return the value of a JSON file.

        Raises:
            InputError: it is not JSON.
        """
        text = self.text()
        with inside(self.name, ": "):
            return parse_json(text)

    def lines(self, report: Report, what: str) -> Iterator[tuple[str, str]]:
        """Yield `file:line` and the line, without blank ones; `what` is what a line is."""
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                where = f"{self.name}:{number}"
                line = ""
                with report.skipping(what, where):
                    line = decoded(raw, fix="save it as UTF-8").rstrip("\r\n")
                if line.strip():
                    yield where, line

    def objects(self, report: Report, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield `file:line` and the object of each line of a JSON lines file."""
        for where, line in self.lines(report, what):
            row = None
            with report.skipping(what, where):
                row = parse_object(line)
            if row is not None:
                yield where, row

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield `file:line` and the row of each record of a CSV file with a header.

        Raises:
            InputError: a column is missing, or it is not CSV.
        """
        reader = csv.DictReader(io.StringIO(self.text(), newline=""))
        line = 1
        try:
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"there is no column {missing[0]!r}", where=f"{self.name}:1")
            for row in reader:
                yield f"{self.name}:{line + 1}", row
                line = reader.line_num
        except csv.Error as error:
            where = f"{self.name}:{line + 1}"
            raise InputError(f"not CSV that can be used ({error})", where=where) from None


def source(folder: Path, name: str | Path) -> Source:
    """Return a file of a folder; an absolute path is taken as it is.

    Raises:
        InputError: there is no such folder or file.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {named(str(folder))}")
    path = folder / name
    if not path.is_file():
        raise InputError(f"there is no file {named(str(name))} in {named(str(folder))}")
    inner = path.is_relative_to(folder)
    return Source(path, named(path.relative_to(folder).as_posix() if inner else path.name))


def single(path: Path) -> Source:
    """Return a file that is an import by itself.

    Raises:
        InputError: it is a folder, or there is none.
    """
    if not path.is_file():
        problem = "is a folder; name the file in it" if path.is_dir() else "there is no such file"
        raise InputError(problem, where=named(str(path)))
    return Source(path, named(path.name))
