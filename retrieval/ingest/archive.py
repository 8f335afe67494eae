"""Zip archives, unpacked in memory and within bounds: nothing is written, so nothing escapes."""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from retrieval.errors import InputError

MEMBERS = 20_000
UNPACKED = 500_000_000
"""Bytes of an archive with all the archives in it."""
DEPTH = 3
"""Archives in archives, and mails in mails."""
RATIO = 200
"""How many bytes one may become, where a member is larger than SMALL."""
SMALL = 1_000_000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)
DIRECTORY_ENTRY = b"PK\x01\x02"


@dataclass
class Allowance:
    """What an archive with all that is in it may still unpack."""

    size: int = UNPACKED
    members: int = MEMBERS
    spent: bool = False

    def take(self, size: int) -> None:
        """Count a member in.

        Raises:
            InputError: it is one too many, or the last that would fit is already unpacked.
        """
        self.size -= size
        self.members -= 1
        if self.size < 0 or self.members < 0:
            self.spent = True
            bounds = f"{UNPACKED // 1_000_000} MB or {MEMBERS:,} files"
            raise InputError(
                f"the archive holds more than {bounds}; the rest is left out, split it"
            )


def opened(data: bytes) -> zipfile.ZipFile:
    """Open an archive.

    Raises:
        InputError: it is damaged, or has too many members to be listed.
    """
    if data.count(DIRECTORY_ENTRY) > 5 * MEMBERS:
        raise InputError(f"more than {MEMBERS:,} files; split it")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except DAMAGED:
        raise InputError("a damaged archive, or none") from None


def names(data: bytes) -> set[str]:
    """Return the names of an archive's members, none where it is damaged."""
    try:
        return set(opened(data).namelist())
    except InputError:
        return set()


def path_of(member: zipfile.ZipInfo) -> str:
    """Return a member's path below the archive.

    Raises:
        InputError: it leads out of the archive, or is a link.
    """
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise InputError("a path that leads out of the archive is not followed")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise InputError("a link in an archive is not followed")
    return path.as_posix()


def is_hidden(member: zipfile.ZipInfo, hides: Callable[[str], bool]) -> bool:
    """Tell whether a member or a folder above it is one that nobody means."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    return any(hides(part) for part in parts if part != "..")


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Return a member's bytes, at most `most` and one.

    Raises:
        InputError: it is encrypted, damaged, of an unusual method, or a bomb.
    """
    if member.flag_bits & 1:
        raise InputError("encrypted; pack it without a password")
    if member.compress_type not in METHODS:
        raise InputError("compressed in an unusual way; pack it anew")
    if member.file_size > max(SMALL, RATIO * member.compress_size):
        raise InputError(f"would unpack to more than {RATIO} times its size; it is not unpacked")
    try:
        with archive.open(member) as file:
            return file.read(most + 1)
    except DAMAGED:
        raise InputError("damaged") from None
