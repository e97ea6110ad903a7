"""Where a dataset may be put: any folder that Spark, Delta and fsspec understand alike."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from payerlake.errors import BadInput
from payerlake.paths import require_plain_names, require_plain_path

REFUSED = {
    "a[1]b": r"'\['",
    "a{1,2}b": r"'\{'",
    "a*b": r"'\*'",
    "a?b": r"'\?'",
    "a\\b": r"'\\\\'",
    "/data/x[y": r"'\['",
    "s3://bucket/a*": r"'\*'",
    "s3://bucket/a?versionId=1": r"'\?'",
    "a::b": "'::' as two URLs",
    "simplecache::s3://bucket/a": "'::' as two URLs",
    "~nobody-has-this-name": "'~' stands for a home",
    "": "it is empty",
    " ": "it is empty",
    "a\0b": "NUL",
    "a\udcfcb": "no text",
}


@pytest.mark.parametrize(("url", "why"), REFUSED.items(), ids=map(repr, REFUSED))
def test_a_path_that_spark_or_fsspec_would_read_otherwise_is_refused(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=rf"^--out .*{why}") as raised:
        require_plain_path(url)
    assert len(str(raised.value).splitlines()) == 1


TAKEN = [
    "out", ".", "/", "./~tilde", "~", "~/out", "a b", " a", "a\nb", "a.b", ".hidden", "date=2024-01-01", "a" * 200,
    "ä→☃", "a]b", "a}b", "100%", "a%20b", "a#b", "a:b", "a,b;c", "a'b\"c`d", "$HOME", "a&b|c", "<a>", "(a)", "a^b",
    "a!b", "a+b@c", "s3://bucket/a b", "abfs://box@account.dfs.core.windows.net/a", "hdfs://host:8020/a",
    "file:///tmp/a", "memory://a", "/Volumes/main/default/files",
]  # fmt: skip


@pytest.mark.parametrize("url", TAKEN)
def test_any_other_path_is_taken(url: str) -> None:
    require_plain_path(url)


def test_the_current_folder_counts_where_the_path_is_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a[1]"
    odd.mkdir()
    monkeypatch.chdir(odd)
    with pytest.raises(BadInput, match=r"--out 'out', which is '.*a\[1\]/out': Spark reads '\[' as part of a pattern"):
        require_plain_path("out")
    require_plain_path(os.fspath(tmp_path))


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(BadInput, match=r"write \./~/out"):
        require_plain_path("~/out")


def test_names_in_digits_of_another_script_name_the_setting() -> None:
    require_plain_names("/out", ["state=Ñ/part-00000.parquet"])
    with pytest.raises(BadInput, match=r"-Duser\.language=en"):
        require_plain_names("/out", ["part-00000.parquet", "state=x/part-٠٠٠٠١.parquet"])
