"""Where `conf/` and `expectations/` are: in a wheel inside the package, in a checkout at its root."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def resource(*parts: str) -> Path:
    """The path of `conf/…` or `expectations/…`, for example `resource("conf", "reference", "us_states.csv")`."""
    packaged = _PACKAGE.joinpath(*parts)
    return packaged if packaged.exists() else _CHECKOUT.joinpath(*parts)
