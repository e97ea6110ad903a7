"""The URL of a database: taken apart, and never shown with its password."""

from __future__ import annotations

import pytest

from payerlake import databases
from payerlake.databases.address import Address, Environment, address, masked
from payerlake.errors import BadInput

ENVIRONMENT = Environment(user="TEST_DB_USER", password="TEST_DB_PASSWORD")


def parsed(url: str) -> Address:
    return address(url, ENVIRONMENT, ("unix_socket",))


def test_a_url_has_user_password_host_port_and_database() -> None:
    found = parsed("mysql://ann:p%40ss%2Fword@db.example.com:3307/health?unix_socket=/run/mysqld/mysqld.sock")
    assert (found.user, found.password, found.host, found.port) == ("ann", "p@ss/word", "db.example.com", 3307)
    assert found.database == "health"
    assert found.options == {"unix_socket": "/run/mysqld/mysqld.sock"}


def test_as_text_it_has_no_password() -> None:
    found = parsed("mysql://ann:secret@db.example.com:3307/health")
    assert str(found) == "mysql://ann@db.example.com:3307/health"
    assert "secret" not in repr(found)


def test_the_environment_gives_what_the_url_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DB_USER", "bob")
    monkeypatch.setenv("TEST_DB_PASSWORD", "from outside")
    assert (parsed("mysql://host/health").user, parsed("mysql://host/health").password) == ("bob", "from outside")
    assert (parsed("mysql://ann:own@host/db").user, parsed("mysql://ann:own@host/db").password) == ("ann", "own")


@pytest.mark.parametrize(
    "url",
    [
        "ann:hunter2@host/health",
        "mysql://ann:hunter2@host",
        "mysql://ann:hunter2@host/",
        "mysql://ann:hunter2@host:port/health",
        "mysql://ann:hunter2/x@host/health",
        "mysql://ann:123/hunter2@host/health",
        "mysql://ann:hunter2#x@host/health",
        "mysql://ann:12?hunter2@host/health",
        "mysql://[ann:hunter2@host/health",
        "mysql://ann:hunter2@host/health/claims",
    ],
)
def test_a_malformed_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="not of the form") as caught:
        databases.server(url)
    assert "hunter2" not in str(caught.value)


def test_messages_of_others_lose_their_passwords() -> None:
    text = "unexpected argument (mysql://ann:hun@ter:2@host/db) near mysql://ann@host/db, http://a/b:c"
    assert masked(text) == "unexpected argument (mysql://ann:***@host/db) near mysql://ann@host/db, http://a/b:c"


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgresql", "postgres"])
def test_a_database_is_as_text_what_was_given_without_the_password(kind: str) -> None:
    assert str(databases.server(f"{kind}://ann:hunter2@host/health")) == f"{kind}://ann@host/health"


def test_unknown_schemes_and_options_are_named() -> None:
    with pytest.raises(BadInput, match=r"'mysq' is not a kind of database; did you mean 'mysql'\?"):
        databases.server("mysq://ann:hunter2@host/health")
    with pytest.raises(BadInput, match="'socket' is not an option"):
        databases.server("mysql://ann:hunter2@host/health?socket=/run/x")
    with pytest.raises(BadInput, match=r"'hosst' is not an option; did you mean 'host'\?"):
        databases.server("postgresql://ann:hunter2@host/health?hosst=/run/x")
