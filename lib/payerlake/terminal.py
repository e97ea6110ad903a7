"""What a terminal that cannot show every character is sent instead."""

from __future__ import annotations

import codecs
import unicodedata
from typing import TextIO

_NEAR = {
    "→": "->", "←": "<-", "…": "...", "÷": "/", "×": "x", "·": ".", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=",
    "≠": "!=", "±": "+/-", "‘": "'", "’": "'", "“": '"', "”": '"', "§": "section ", "•": "*",
}  # fmt: skip  # pairs fill their lines
_HANDLER = "payerlake-nearest"
_ASCII = "payerlake-ascii"


def show_what_can_be_shown(stream: TextIO) -> None:
    """From now on nothing that is written to the stream fails for its encoding: what that lacks is sent in ASCII.

    An ASCII stream gets its encoding under another name: click takes ASCII for a mistake of the machine's and would
    write UTF-8 into it. A stream that is no terminal, file or pipe, as in a notebook, is left as it is.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    ascii_ = codecs.lookup(stream.encoding).name == "ascii"
    reconfigure(encoding=_ASCII if ascii_ else None, errors=_HANDLER)


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """The characters that cannot be encoded, each as something near it in ASCII, else as a question mark."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_near, error.object[error.start : error.end])), error.end


def _near(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _NEAR.get(character) or plain or "?"


def _search(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != _ASCII:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        known.streamreader,
        known.streamwriter,
        known.incrementalencoder,
        known.incrementaldecoder,
        name=_ASCII,
    )


codecs.register_error(_HANDLER, _nearest)
codecs.register(_search)
