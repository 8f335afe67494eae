"""Convert in another process, which is killed when a file takes too long."""

import base64
import json
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from retrieval.errors import InputError
from retrieval.ingest.convert import Converted

SECONDS = 60.0
"""A file's time."""
COMMAND = (sys.executable, "-P", "-m", "retrieval.ingest.convert.child")
"""`-P`: a folder of documents that is being read is no place to import modules from."""


class Sandbox:
    """A process that converts, started with the first file and anew after one that killed it."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, at: TracebackType | None
    ) -> None:
        self.stop()

    def convert(self, media: str, data: bytes, encoding: str = "utf-8") -> Converted:
        """Make a text of a file's bytes.

        Raises:
            InputError: it cannot be converted, or not in time.
        """
        answer = self._ask(media, data, encoding)
        if "problem" in answer:
            raise InputError(answer["problem"])
        members = tuple((name, base64.b64decode(held)) for name, held in answer["members"])
        return Converted(answer["text"], answer["title"], answer["metadata"], members)

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.wait()

    def _ask(self, media: str, data: bytes, encoding: str) -> dict[str, Any]:
        process = self._started()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.seconds, end)
        timer.daemon = True
        timer.start()
        try:
            line = _exchange(process, media, data, encoding)
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            return dict(json.loads(line))
        self.stop()
        if late.is_set():
            raise InputError(f"not converted within {self.seconds:g} s; split it")
        raise InputError("what converts it broke down; it is damaged, or too large")

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.stop()
            self.process = subprocess.Popen(  # noqa: S603  # nothing of the file is in it
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self.process


def _exchange(process: "subprocess.Popen[bytes]", media: str, data: bytes, encoding: str) -> bytes:
    """Send a file and return the line that answers; nothing where the process is gone."""
    request = {"media": media, "encoding": encoding, "size": len(data)}
    if process.stdin is None or process.stdout is None:
        return b""
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n" + data)
        process.stdin.flush()
        return process.stdout.readline()
    except (BrokenPipeError, OSError):
        return b""
