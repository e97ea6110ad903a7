"""An engine that cannot be reached is found out in seconds, and said."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from payerlake.engine import reach
from payerlake.errors import BadInput, EngineFailed


@pytest.fixture
def free() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("url", ["local[2]", "yarn", "k8s://https://127.0.0.1:1", "local-cluster[1,1,1024]", ""])
def test_nothing_is_asked_of_what_has_no_address(url: str) -> None:
    reach.require_reachable(url)


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_a_port_where_nobody_listens_is_said_at_once(scheme: str, free: int) -> None:
    words = (
        rf"^{scheme}://127\.0\.0\.1:{free}: nobody answers \(Connection refused\); start it, or check host and port$"
    )
    with pytest.raises(EngineFailed, match=words):
        reach.require_reachable(f"{scheme}://127.0.0.1:{free}")


def test_of_several_masters_one_is_enough(free: int, silent: int) -> None:
    reach.require_reachable(f"spark://127.0.0.1:{free},127.0.0.1:{silent}")
    with pytest.raises(EngineFailed, match=rf"127.*:{free}: nobody answers.*localhost:{free}: nobody answers"):
        reach.require_reachable(f"spark://127.0.0.1:{free},localhost:{free}")


def test_a_host_that_takes_no_connection_is_given_up_after_a_stated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(address: object, timeout: float) -> None:
        assert timeout == 10
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", wait)
    with pytest.raises(EngineFailed, match=r"spark://lake:7077: nobody answers \(no answer within 10 s\)"):
        reach.require_reachable("spark://lake:7077")


def test_a_host_without_an_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(EngineFailed, match=r"sc://lake:15002: nobody answers \(Name or service not known\)"):
        reach.require_reachable("sc://lake/;token=secret")


def test_a_server_that_is_not_spark_connect_is_given_up_and_no_token_is_told(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "_SECONDS", 0.2)
    with pytest.raises(EngineFailed, match=r"no Spark Connect server answers within 0\.2 s") as raised:
        reach.require_reachable(f"sc://127.0.0.1:{silent}/;token=secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["spark://host", "spark://:7077", "spark://host:port", "spark://host:7077,"])
def test_a_master_without_host_or_port_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match=r"not of the form spark://HOST:PORT"):
        reach.require_reachable(url)


def test_behind_a_proxy_a_connect_server_is_asked_the_way_the_client_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setattr(reach, "_SECONDS", 0.1)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked straight"))
    with pytest.raises(EngineFailed, match=r"sc://127\.0\.0\.1:9: no Spark Connect server answers"):
        reach.require_reachable("sc://127.0.0.1:9")
