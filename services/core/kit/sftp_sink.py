"""Uploads files to an SFTP server, where others fetch them; nothing is read back.

`sftp://user@host:port/folder?key=/etc/wufei/drops_key&known_hosts=/etc/wufei/known_hosts` names the
server, our private key and the file of trusted host keys, both in OpenSSH's formats. Nothing else
of this machine's SSH is used, neither its configuration nor its agent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncssh

from services.core.kit.file_store import FileStoreUnavailable
from services.core.kit.ids import new_id

_PORT = 22
_PATIENCE_SECONDS = 15
_LONGEST_SECONDS = 300.0
"""Upper limit for one file, in case the server answers but makes no progress."""

_FILES = {"key", "known_hosts"}
_FORM = "must have the form sftp://user@host/folder?key=/path/of/key&known_hosts=/path/of/hosts"


@dataclass(frozen=True, slots=True)
class SftpPlace:
    """A folder of an SFTP server, with our private key and its known host keys."""

    host: str
    port: int
    user: str
    folder: str
    key: Path
    known_hosts: Path

    @classmethod
    def at(cls, url: str) -> "SftpPlace":
        """Return the place that an address names.

        Raises:
            ValueError: it has another form, or a file that it names does not exist.
        """
        said = urlsplit(url)
        query = parse_qsl(said.query, keep_blank_values=True)
        files = {name: Path(value) for name, value in query}
        whole = said.hostname and said.username and said.password is None and not said.fragment
        if not whole or len(query) != len(_FILES) or set(files) != _FILES:
            raise ValueError(_FORM)
        for name, path in files.items():
            if not path.is_absolute() or not path.is_file():
                raise ValueError(f"{name} must be the absolute path of a file that is there")
        return cls(
            host=said.hostname or "",
            port=said.port or _PORT,
            user=unquote(said.username or ""),
            folder=unquote(said.path).rstrip("/"),
            key=files["key"],
            known_hosts=files["known_hosts"],
        )


class SftpSink:
    """Uploads files into a folder of a server; an incomplete one never gets its final name."""

    def __init__(self, place: SftpPlace, *, longest_seconds: float = _LONGEST_SECONDS) -> None:
        self._place = place
        self._longest_seconds = longest_seconds

    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Upload a file: write a draft beside it, fsync, then rename.

        Raises:
            FileStoreUnavailable: the server does not answer, has an unknown host key, does not let
                us in, or takes no more.
        """
        try:
            async with asyncio.timeout(self._longest_seconds):
                connection = await self._connected()
                try:
                    sftp = await connection.start_sftp_client()
                    await _leave(sftp, f"{self._place.folder}/{key}", parts)
                finally:
                    connection.abort()  # a graceful close could hang on a stuck server
        # A private key that cannot be read raises ValueError.
        except (asyncssh.Error, OSError, ValueError) as error:
            raise FileStoreUnavailable from error

    async def _connected(self) -> asyncssh.SSHClientConnection:
        place = self._place
        return await asyncssh.connect(
            place.host,
            place.port,
            username=place.user,
            client_keys=[str(place.key)],
            known_hosts=str(place.known_hosts),
            config=None,
            agent_path=None,
            preferred_auth="publickey",
            connect_timeout=_PATIENCE_SECONDS,
            login_timeout=_PATIENCE_SECONDS,
            keepalive_interval=_PATIENCE_SECONDS,
        )


async def _leave(sftp: asyncssh.SFTPClient, place: str, parts: AsyncIterator[bytes]) -> None:
    folder, _, name = place.rpartition("/")
    draft = f"{folder}/.{name}.{new_id()}"
    await sftp.makedirs(folder, exist_ok=True)
    try:
        await _write(sftp, draft, parts)
        await _rename(sftp, draft, place)
    except Exception:  # not on cancellation, which must not start new work
        with suppress(asyncssh.Error, OSError):
            await sftp.remove(draft)
        raise


async def _write(sftp: asyncssh.SFTPClient, draft: str, parts: AsyncIterator[bytes]) -> None:
    # Closed only on success: otherwise the connection is aborted, which closes it too.
    file = await sftp.open(draft, "xb")
    async for part in parts:
        await file.write(part)
    with suppress(asyncssh.SFTPOpUnsupported):  # then durability is up to the server
        await file.fsync()
    await file.close()


async def _rename(sftp: asyncssh.SFTPClient, draft: str, place: str) -> None:
    try:
        await sftp.posix_rename(draft, place)
    except asyncssh.SFTPOpUnsupported:
        # SFTP's own rename refuses an existing name; an existing file has the same bytes.
        with suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(place)
        await sftp.rename(draft, place)
