"""Exact names in a query: what somebody types who looks for one thing and no other.

Names are drawn by their shape alone. Latin letters, digits and signs end where Hangul begins, so a
Korean particle is no part of them.
"""

import re
import unicodedata

MOST = 32
"""Names that are drawn from one query; a pasted log has more than anybody means."""

LONGEST = 200
"""Characters of a name; what is longer is none."""

QUOTED = re.compile(
    r'"([^"]{1,200})"|“([^”]{1,200})”|`([^`]{1,200})`|‘([^’]{1,200})’|«([^»]{1,200})»'
    r"|「([^」]{1,200})」|『([^』]{1,200})』|(?<!\w)'([^']{1,200})'(?!\w)"
)
RUN = re.compile(
    r"(?:--|\.{0,2}/|\.)?[A-Za-z0-9_]+(?:(?:::|->|[./\\:@#-])[A-Za-z0-9_]+)*", re.ASCII
)
VERSION = re.compile(r"^v?\d+(?:\.\d+)+$", re.IGNORECASE)
PIECES = (re.compile(r"::|->|[/\\:@#]"), re.compile(r"::|->|[./\\:@#]"))
SHAPES = re.compile(
    r"--[A-Za-z]"  # an option: --no-cache
    r"|[A-Za-z0-9]_|_[A-Za-z0-9]"  # snake_case, __init__
    r"|[a-z][A-Z]"  # camelCase
    r"|[A-Z]{2}[a-z]"  # HTTPServer
    r"|[A-Za-z][A-Za-z_-]*\d|\d[\d-]*[A-Za-z]"  # e5, TS-999, 0x80070005, 3rd
    r"|\d+\.\d"  # a version: 3.11.2
    r"|[A-Za-z0-9_](?:::|->|[\\@#]|/.*[/.])[A-Za-z0-9_]"  # std::vector, src/a.py, user@host
    r"|[A-Za-z]{2}\.[A-Za-z]{2}"  # os.path, config.yaml
    r"|^(?:\.{0,2}/|\.)[A-Za-z]"  # /etc, ./run, .env
    r"|^\d{3,}$"  # a code: 404
)
CAPITALS = re.compile(r"^[A-Z]{2,}$")


def names_in(query: str) -> tuple[str, ...]:
    """Return the exact names of a query, each once, in order; there may be none.

    A name is what stands between quotation marks or backticks, or a run without spaces that has the
    shape of an identifier (`snake_case`, `camelCase`, `HTTPServer`, `std::vector`), a path or file,
    an option, a version, a number of three digits or more, letters with digits (`TS-999`, `0x8007`)
    or capitals (`EPERM`, unless the whole query is shouted). A dotted name or path counts as a
    whole, and so do its parts that are names (`getUser` in `api.getUser`).
    """
    text = unicodedata.normalize("NFC", query)
    found = [next(g for g in m.groups() if g).strip() for m in QUOTED.finditer(text)]
    rest = QUOTED.sub(lambda m: " " if " " in m[0].strip() else m[0][1:-1], text)
    letters = [c for c in rest if c.isalpha()]
    shouted = all(c.isupper() for c in letters) and len(rest.split()) > 2
    for run in (r for r in RUN.findall(rest) if len(r) <= LONGEST):
        found += [n for n in (run, *_parts(run)) if _is_name(n, shouted)]
    kept = dict.fromkeys(n for n in found if len(n) > 1)
    return tuple(kept)[:MOST]


def _parts(run: str) -> list[str]:
    """Cut at slashes and colons, then at points as well; numbers alone say too little."""
    if VERSION.match(run):
        return []
    return [p for cut in PIECES for p in cut.split(run) if re.search("[A-Za-z]", p)]


def _is_name(run: str, shouted: bool) -> bool:
    return bool(SHAPES.search(run)) or (not shouted and bool(CAPITALS.match(run)))


def pattern_of(name: str) -> str:
    r"""Return the RE2 pattern of a name as a whole word; white space in it stands for any.

    Word edges are those of ASCII, so that a Korean particle may follow.
    """
    import re2

    before = r"\b" if re.match(r"\w", name, re.ASCII) else ""
    after = r"\b" if re.search(r"\w\Z", name, re.ASCII) else ""
    return before + r"\s+".join(re2.escape(word) for word in name.split()) + after
