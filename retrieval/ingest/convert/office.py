"""What the files of an office have in common: they are zips, and may be bombs."""

import io
import zipfile

from retrieval.errors import InputError

UNPACKED = 300_000_000
"""Bytes. A zip's own figures can be trusted: no more than a member declares is ever unpacked."""


def check_package(data: bytes, kind: str) -> None:
    """Refuse what is no zip, or unpacks to too much.

    Raises:
        InputError: it is one of them.
    """
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError("encrypted, or of an old kind; save it anew without a password")
    try:
        held = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise InputError(f"not {kind}, or damaged") from None
    if sum(member.file_size for member in held) > UNPACKED:
        raise InputError(f"unpacks to more than {UNPACKED // 1_000_000} MB")
