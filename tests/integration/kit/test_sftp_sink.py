"""Files left on a server of SFTP: whole or not at all, and by none but whom each knows."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from services.core.kit.errors import InvalidInput
from services.core.kit.file_places import checked_drops, open_sink
from services.core.kit.file_store import FileStoreUnavailable
from services.core.kit.sftp_sink import SftpPlace, SftpSink
from tests.support.sftp import Full, Plain, Served, Stuck, a_key, serving_sftp

MIB = 1024 * 1024
KEY = "410183/exchange/events_00000001.ndjson"


async def parts(*content: bytes, fault: Exception | None = None) -> AsyncIterator[bytes]:
    for one in content:
        yield one
    if fault is not None:
        raise fault


def left(at: Served) -> dict[str, bytes]:
    """Return every file that is there, by its path."""
    return {
        str(one.relative_to(at.root)): one.read_bytes()
        for one in at.root.rglob("*")
        if one.is_file()
    }


@pytest.mark.parametrize("kind", [asyncssh.SFTPServer, Plain])
async def test_a_file_is_left_and_left_again(
    tmp_path: Path, kind: type[asyncssh.SFTPServer]
) -> None:
    async with serving_sftp(tmp_path, kind) as at:
        sink = open_sink(at.url("/drops"))
        content = [bytes([number]) * MIB for number in range(3)]
        await sink.put(KEY, parts(*content))
        assert left(at) == {f"drops/{KEY}": b"".join(content)}
        await sink.put(KEY, parts(b"anew"))
        assert left(at) == {f"drops/{KEY}": b"anew"}


async def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    async with serving_sftp(tmp_path) as at:
        with pytest.raises(InvalidInput):
            await open_sink(at.url("/")).put(KEY, parts(b"0" * MIB, fault=InvalidInput()))
        assert left(at) == {}


async def test_a_server_that_is_full_is_not_available(tmp_path: Path) -> None:
    async with serving_sftp(tmp_path, Full) as at:
        with pytest.raises(FileStoreUnavailable):
            await open_sink(at.url("/")).put(KEY, parts(b"0" * MIB, b"1" * MIB))
        assert left(at) == {}


async def test_a_server_that_answers_and_does_nothing_is_given_up(tmp_path: Path) -> None:
    async with serving_sftp(tmp_path, Stuck) as at:
        sink = SftpSink(SftpPlace.at(at.url("/")), longest_seconds=0.5)
        try:
            with pytest.raises(FileStoreUnavailable) as refused:
                await sink.put(KEY, parts(b"1"))
        finally:
            Stuck.let_go.set()
        assert isinstance(refused.value.__cause__, TimeoutError)


async def test_none_but_the_known_server_is_given_anything(tmp_path: Path) -> None:
    another = tmp_path / "another"
    async with serving_sftp(tmp_path) as at:
        other = a_key(another).export_public_key().decode()
        hosts = tmp_path / "other_hosts"
        for said in (f"[127.0.0.1]:{at.port} {other}", f"[127.0.0.2]:{at.port} {other}", ""):
            hosts.write_text(said)
            with pytest.raises(FileStoreUnavailable) as refused:
                await open_sink(at.url("/", known_hosts=str(hosts))).put(KEY, parts(b"1"))
            assert isinstance(refused.value.__cause__, asyncssh.HostKeyNotVerifiable)
        assert left(at) == {}


async def test_a_key_that_is_not_let_in_or_is_none_is_said(tmp_path: Path) -> None:
    other, none = tmp_path / "other", tmp_path / "none"
    a_key(other)
    none.write_text("no key")
    async with serving_sftp(tmp_path) as at:
        for key, cause in ((other, asyncssh.PermissionDenied), (none, asyncssh.KeyImportError)):
            with pytest.raises(FileStoreUnavailable) as refused:
                await open_sink(at.url("/", key=str(key))).put(KEY, parts(b"1"))
            assert isinstance(refused.value.__cause__, cause)
        url = at.url("/")
    with pytest.raises(FileStoreUnavailable):
        await open_sink(url).put(KEY, parts(b"1"))


@pytest.mark.parametrize(
    "said",
    [
        "sftp://host/drops?key={key}&known_hosts={hosts}",
        "sftp://wufei@/drops?key={key}&known_hosts={hosts}",
        "sftp://wufei:secret@host/drops?key={key}&known_hosts={hosts}",
        "sftp://wufei@host:99999/drops?key={key}&known_hosts={hosts}",
        "sftp://wufei@host/drops",
        "sftp://wufei@host/drops?key={key}",
        "sftp://wufei@host/drops?key={key}&known_hosts={hosts}&known_host=x",
        "sftp://wufei@host/drops?key={key}&key={key}&known_hosts={hosts}",
        "sftp://wufei@host/drops?key={key}&known_hosts={hosts}#x",
        "sftp://wufei@host/drops?key={key}&known_hosts=/nowhere/at/all",
        "sftp://wufei@host/drops?key=here&known_hosts={hosts}",
        "s3://",
        "drops",
    ],
)
def test_a_place_that_is_none_is_refused(said: str, tmp_path: Path) -> None:
    key, hosts = tmp_path / "key", tmp_path / "hosts"
    key.touch()
    hosts.touch()
    with pytest.raises(ValueError, match=r"must|[Pp]ort"):
        checked_drops(said.format(key=key, hosts=hosts))


def test_a_place_has_a_user_a_host_and_two_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = f"sftp://wufei@front/out?key={tmp_path}/file&known_hosts={tmp_path}/file"
    assert checked_drops(said) == said
    assert checked_drops("/srv/wufei/drops") == "/srv/wufei/drops"
