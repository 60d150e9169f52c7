"""The address of a database in libpq's words, and a server that is too old."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.core.kit.schema import OLDEST, ServerTooOld, require_major
from services.core.kit.server_address import checked_replicas, read_address, server_name

URL = "postgresql://user:p%40ss@db.test:6432/wufei"
OURS = {"application_name": "wufei-api", "jit": "off", "lock_timeout": "10s"}


def test_a_plain_address_is_given_as_it_is_with_our_own_settings() -> None:
    address = read_address(URL)
    assert address.dsn == URL
    assert address.options(OURS) == {"server_settings": OURS}


def test_what_the_address_says_goes_before_what_we_would_say(tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.touch()
    address = read_address(
        f"{URL}?sslmode=verify-full&sslrootcert={root}&application_name=desk&connect_timeout=3"
        "&target_session_attrs=read-write&options=-c%20search_path%3Dwufei"
    )
    for kept in ("sslmode=verify-full", "sslrootcert=", "target_session_attrs=read-write"):
        assert kept in address.dsn
    assert "connect_timeout" not in address.dsn
    assert "application_name" not in address.dsn
    assert address.options(OURS) == {
        "server_settings": {
            **OURS,
            "application_name": "desk",
            "options": "-c search_path=wufei",
        },
        "timeout": 3.0,
    }


@pytest.mark.parametrize(
    ("written", "seconds"), [("1", 2.0), ("2", 2.0), ("10", 10.0), ("0", None)]
)
def test_a_time_to_connect_is_what_libpq_takes_it_for(written: str, seconds: float | None) -> None:
    assert read_address(f"{URL}?connect_timeout={written}").timeout == seconds


def test_a_pooler_is_told_nothing_that_it_refuses_and_no_name_of_a_statement() -> None:
    address = read_address(f"{URL}?pool_mode=transaction")
    assert address.dsn == URL
    assert address.options(OURS) == {
        "server_settings": {"application_name": "wufei-api"},
        "statement_cache_size": 0,
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host", "must have the form postgresql://"),
        ("postgresql:host", "must have the form postgresql://"),
        (f"{URL}?sslmode=yes", "sslmode must be one of allow, disable, prefer, require"),
        (f"{URL}?sslrootcert=/no/such.pem", "there is no file /no/such.pem"),
        (f"{URL}?connect_timeout=3s", "connect_timeout must be whole seconds"),
        (f"{URL}?target_session_attrs=master", "target_session_attrs must be one of"),
        (f"{URL}?pool_mode=statement", "pool_mode must be one of session, transaction"),
        (f"{URL}?channel_binding=require", "channel_binding must be one of disable, prefer"),
        (f"{URL}?ssl_mode=require", "ssl_mode is not known here"),
    ],
)
def test_a_word_that_cannot_be_kept_is_refused_by_its_name(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_address(url)


@pytest.mark.parametrize("number", [90600, 130012, 140019])
def test_a_server_older_than_the_oldest_that_works_is_refused(number: int) -> None:
    with pytest.raises(ServerTooOld, match=f"PostgreSQL {number // 10000}; {OLDEST} is the oldest"):
        require_major(number)


@pytest.mark.parametrize("number", [150000, 150018, 180003])
def test_a_server_that_is_new_enough_is_not(number: int) -> None:
    require_major(number)


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("fallback_application_name=f", "f"),
        ("application_name=a&fallback_application_name=f", "a"),
        ("application_name=", ""),
        ("", None),
    ],
)
def test_a_name_is_given_and_else_the_one_to_fall_back_to(words: str, called: str | None) -> None:
    told = read_address(f"postgresql://u@h/d?{words}").session
    assert told.get("application_name") == called


def test_a_password_may_hold_what_an_address_is_made_of() -> None:
    assert read_address("postgresql://u:a://b@h/d").dsn == "postgresql://u:a://b@h/d"


@pytest.mark.parametrize("user", ["", "u:p@", "u:p,w@", "u:p@s,s@"])
def test_a_replica_is_one_server_whatever_its_password_holds(user: str) -> None:
    one = SecretStr(f"postgresql://{user}h:5433/d postgresql://{user}i/d")
    assert checked_replicas(one) is one
    with pytest.raises(ValueError, match="names one replica"):
        checked_replicas(SecretStr(f"postgresql://{user}h,i/d"))


@pytest.mark.parametrize("user", ["", "u:p@", "u:p@ss@"])
def test_a_server_is_called_by_host_and_port_and_no_secret(user: str) -> None:
    assert server_name(f"postgresql://{user}h:5433/d") == "h:5433"
