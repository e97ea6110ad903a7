"""A terminal of any encoding shows every message, in what characters it has."""

from __future__ import annotations

import io

import pytest

from payerlake.terminal import show_what_can_be_shown

SENT = {
    "latin-1": ("Größe ÷ 2 → null … 5 ≥ 4", "Größe ÷ 2 -> null ... 5 >= 4"),
    "ascii": ("Größe ÷ 2 → null …", "Gro?e / 2 -> null ..."),
    "cp1252": ("– … → ☃", "– … -> ?"),
    "utf-8": ("Größe ÷ 2 → ☃", "Größe ÷ 2 → ☃"),
}


@pytest.mark.parametrize("encoding", SENT)
def test_what_an_encoding_lacks_is_sent_as_something_near_it(encoding: str) -> None:
    text, sent = SENT[encoding]
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show_what_can_be_shown(stream)
    print(text, file=stream, end="", flush=True)
    assert stream.buffer.getvalue() == sent.encode(encoding)  # type: ignore[attr-defined]


def test_a_file_name_that_is_no_text_is_sent_with_question_marks() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    show_what_can_be_shown(stream)
    print("/tmp/\udcfc", file=stream, end="", flush=True)
    assert stream.buffer.getvalue() == b"/tmp/?"  # type: ignore[attr-defined]


def test_a_stream_that_cannot_be_changed_is_left_as_it_is() -> None:
    stream = io.StringIO()
    show_what_can_be_shown(stream)
    print("→", file=stream, end="")
    assert stream.getvalue() == "→"
