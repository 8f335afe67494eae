"""A small corpus in which docstrings are indexed: functions that every Python carries.

People ask for what they want to do; a careless generator asks what the docstring says.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from itertools import accumulate

from goldsets.types import Evidence
from retrieval.types import Corpus, Document, Span

ASKED = {
    "shutil.rmtree": "delete a folder with all that is inside",
    "shutil.copytree": "duplicate a whole folder somewhere else",
    "shutil.which": "where is this program installed",
    "shutil.move": "put a file into another folder",
    "shutil.make_archive": "pack a directory so that I can mail it",
    "textwrap.dedent": "get rid of the blanks in front of every row",
    "textwrap.shorten": "cut a sentence that is too long and put dots at the end",
    "textwrap.indent": "put two blanks in front of every row",
    "glob.glob": "all files that end in .csv",
    "statistics.median": "the number in the middle of a list",
    "statistics.stdev": "how far my numbers are spread",
    "statistics.quantiles": "what do the best 10 % of salaries start at",
    "heapq.nsmallest": "the three cheapest offers",
    "bisect.insort_right": "add an element so that everything stays ordered",
    "calendar.isleap": "does february have 29 days",
    "difflib.get_close_matches": "did you mean suggestions when somebody mistypes",
    "json.dumps": "turn a dictionary into text to send to a server",
    "json.load": "read a settings file in braces",
    "urllib.parse.quote": "blanks in a web address",
    "urllib.parse.urlsplit": "take the host out of a link",
    "urllib.parse.parse_qs": "what comes after the question mark of a link",
    "html.escape": "is it safe to show what users typed on a page",
    "html.unescape": "&amp; shows up instead of an ampersand",
    "uuid.uuid4": "an identifier nobody else has",
    "secrets.token_urlsafe": "forgot password link",
    "functools.lru_cache": "remember what a slow function gave back last time",
    "functools.wraps": "my decorated function lost its name",
    "contextlib.contextmanager": "write something that works with a with statement",
    "collections.namedtuple": "point with x and y without writing a class",
    "posixpath.join": "put directory and file name together",
    "posixpath.relpath": "how to get from this directory to that one",
    "copy.deepcopy": "changing the clone changes the original too",
    "pprint.pprint": "nested dict is unreadable in the terminal",
    "base64.b64encode": "put a picture into an email as letters",
    "shlex.split": "cut a command line into its arguments",
    "shlex.quote": "file names with blanks break my bash command",
    "subprocess.run": "start ls from python and wait until it is done",
    "tempfile.mkdtemp": "scratch directory for a test",
    "mimetypes.guess_type": "content type header for a .png",
    "platform.system": "am I on windows or on a mac",
    "inspect.getsource": "show me the code of a function",
    "string.capwords": "Title Case For Headlines",
    "ast.literal_eval": "eval without the danger",
    "timeit.timeit": "how long does my snippet take",
    "filecmp.cmp": "are these two files the same",
    "linecache.getline": "row 20 of a file",
    "webbrowser.open": "show a page in firefox",
    "logging.basicConfig": "why do my debug messages not appear",
    "warnings.filterwarnings": "hide deprecation notices",
    "traceback.format_exc": "the error as a string for the log",
    "fnmatch.filter": "only the names that begin with test_",
    "shutil.copyfile": "duplicate one document under another name",
    "statistics.mode": "which answer was given most often",
    "statistics.fmean": "average of my grades",
    "calendar.monthrange": "how many days are there in april",
    "heapq.nlargest": "the five best players",
    "json.loads": "turn what a server sent into a dictionary",
    "urllib.parse.urljoin": "make a complete link of one that begins with a slash",
    "textwrap.fill": "break a long line so that it fits the screen",
    "posixpath.expanduser": "what does ~ stand for",
    "posixpath.isabs": "does it begin with a slash",
    "tempfile.gettempdir": "where do scratch files go",
    "difflib.unified_diff": "what changed from one draft to the next",
    "subprocess.check_output": "what did ls print",
    "platform.python_version": "which release am I on",
    "traceback.print_exc": "show where it crashed",
    "shutil.get_terminal_size": "how wide is my window",
    "shutil.unpack_archive": "get the files out of a zip",
    "shutil.chown": "give a file to somebody else",
    "getpass.getuser": "who is logged in",
    "inspect.isclass": "is this thing a type",
    "fnmatch.translate": "turn *.txt into a regex",
}
"""What people would ask, by the function that answers: written without a look at the docstrings."""

LONGEST = 350


def functions() -> Iterator[tuple[str, str]]:
    """Yield the name and the source of each short function with a docstring."""
    for module in sorted({name.rpartition(".")[0] for name in ASKED}):
        source = inspect.getsource(import_module(module))
        lines = source.split("\n")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
                text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                yield f"{module}.{node.name}", text


@lru_cache(maxsize=1)
def corpus() -> Corpus:
    """A document for each function: all that are asked for, and short ones of the same modules."""
    held = {n: t for n, t in functions() if n in ASKED or len(t) < LONGEST}
    return Corpus(
        tuple(
            Document(n, t, media="text/x-python", given=(docstring(t),)) for n, t in held.items()
        ),
        "std",
        1,
    )


def docstring(source: str) -> Span:
    """Return where the docstring stands in a function's source."""
    node = ast.parse(source).body[0].body[0]
    lines = source.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    return Span(
        starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
    )


def said(document: Document) -> list[str]:
    """Return the sentences of a document's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(document.text).body[0]) or "").split())
    return re.split(r"(?<=[a-z)])\. ", text)


def evidence(document: Document) -> tuple[Evidence, ...]:
    span = document.given[0]
    return (Evidence.of(document.id, document.text, span.start, span.end),)
