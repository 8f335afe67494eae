"""Text from bytes: by its byte order mark, else by the encoding that was named."""

import codecs

from retrieval.errors import InputError
from retrieval.ingest.fields import shown, whole_text

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(
    data: bytes, encoding: str = "utf-8", *, fix: str = "name it, such as --encoding cp949"
) -> str:
    """Decode text by its byte order mark (dropped), else by `encoding`; `fix` ends the message.

    Raises:
        InputError: the bytes are not in that encoding, or are no text.
    """
    chosen = next((name for bom, name in BOMS if data.startswith(bom)), encoding)
    try:
        text = data.decode(chosen).removeprefix("\ufeff")
    except UnicodeError as error:
        if b"\0" in data:
            raise InputError("looks binary: it holds NUL bytes") from None
        at = getattr(error, "start", 0)
        raise InputError(f"not {chosen} at byte {at} ({data[at]:#04x}); {fix}") from None
    except (LookupError, ValueError):
        raise _no_encoding(encoding) from None
    if "\0" in text:
        raise InputError("looks binary: it holds NUL bytes")
    return whole_text(text, "")


def known(encoding: str) -> str:
    """Return the name of an encoding of text.

    Raises:
        InputError: there is no such encoding.
    """
    try:
        "a".encode(encoding)
    except (LookupError, UnicodeError, ValueError):
        raise _no_encoding(encoding) from None
    return encoding


def _no_encoding(name: str) -> InputError:
    return InputError(f"there is no text encoding {shown(name)}; known: utf-8, cp949, ...")
