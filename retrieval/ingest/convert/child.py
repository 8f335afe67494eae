"""The process that converts: takes one file after another on its input, answers on its output.

A request is a line of JSON (`media`, `encoding`, `size`), then so many bytes; an answer is a line
of JSON. It holds no secret, writes no file and opens no connection.
"""

import base64
import json
import os
import sys
from typing import Any, BinaryIO

from retrieval.errors import InputError
from retrieval.ingest.convert import convert

MEMORY = 4_000_000_000
"""Bytes of address space, where the system can hold a process to it."""


def main() -> None:
    """Answer until the input ends."""
    _limit()
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while line := source.readline():
        sink.write(json.dumps(_answer(json.loads(line), source)).encode() + b"\n")
        sink.flush()


def _answer(request: dict[str, Any], source: BinaryIO) -> dict[str, Any]:
    data = source.read(request["size"])
    try:
        made = convert(request["media"], data, request["encoding"])
    except InputError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": "takes too much memory"}
    except RecursionError:
        return {"problem": "nested too deeply"}
    except Exception as error:  # whatever a library raises on what is damaged
        return {"problem": f"damaged, or not what its name says ({type(error).__name__})"}
    held = [(name, base64.b64encode(data).decode()) for name, data in made.members]
    about = dict(made.metadata)
    return {"text": made.text, "title": made.title, "metadata": about, "members": held}


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    own = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    resource.setrlimit(resource.RLIMIT_AS, (own, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
