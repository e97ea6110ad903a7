"""Whether anybody answers at the URL of an engine, found out in seconds: Spark itself goes on trying for minutes."""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from payerlake.errors import BadInput, EngineFailed

_SECONDS = 10
_PORTS = {"spark": None, "sc": 15002}  # where the URL has none
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")  # a Connect client goes through them and not straight there


def require_reachable(url: str) -> None:
    """Return where somebody answers at `spark://HOST:PORT[,HOST:PORT]` or `sc://HOST`; of other URLs nothing is known.

    Raises EngineFailed where nobody does within 10 seconds, BadInput where no port is given for `spark://`.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sc":
        _require_connect(url, rest.partition("/")[0])
    elif scheme == "spark":
        _require_one(scheme, [_address(scheme, text) for text in rest.split(",")])


def _require_connect(url: str, place: str) -> None:
    """A server that takes connections, and speaks gRPC. The URL's parameters, a token perhaps, are in no message."""
    if not any(os.environ.get(name) for name in _PROXIES):
        _require_one("sc", [_address("sc", place)])
    import grpc  # noqa: PLC0415  only Spark Connect has it

    channel = _channel(url)
    try:
        grpc.channel_ready_future(channel).result(timeout=_SECONDS)
    except grpc.FutureTimeoutError as error:
        raise EngineFailed(
            f"sc://{place}: no Spark Connect server answers within {_SECONDS} s; check host, port and use_ssl"
        ) from error
    finally:
        channel.close()


def _channel(url: str) -> Any:
    from pyspark.sql.connect.client import core  # noqa: PLC0415

    builder: Any = getattr(core, "DefaultChannelBuilder", core.ChannelBuilder)  # Spark 3.5 has but the second
    return builder(url).toChannel()


def _address(scheme: str, text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port or _PORTS[scheme]
    except ValueError:
        host = port = None
    if not host or not port:
        raise BadInput(f"--master {scheme}://{text}: not of the form {scheme}://HOST:PORT")
    return host, port


def _require_one(scheme: str, addresses: list[tuple[str, int]]) -> None:
    """One of the addresses is enough: of several masters the others stand by."""
    failures = []
    for host, port in addresses:
        try:
            socket.create_connection((host, port), timeout=_SECONDS).close()
        except OSError as error:
            why = f"no answer within {_SECONDS} s" if isinstance(error, TimeoutError) else error.strerror or str(error)
            failures.append(f"{scheme}://{host}:{port}: nobody answers ({why})")
        else:
            return
    raise EngineFailed(f"{'; '.join(failures)}; start it, or check host and port")
