"""A server of SFTP of the tests' own: asyncssh's, with a folder of this machine as its root."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import asyncssh
from typing_extensions import override

from services.console.ports import LOOPBACK

USER = "wufei"


class Plain(asyncssh.SFTPServer):
    """Has SFTP's own verbs alone, none of OpenSSH's, as some servers do."""

    @override
    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("posix_rename")

    @override
    def fsync(self, file_obj: object) -> None:
        raise asyncssh.SFTPOpUnsupported("fsync")


class Full(asyncssh.SFTPServer):
    """Takes the first part of a file and no other."""

    @override
    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if offset:
            raise asyncssh.SFTPFailure("no space left")
        done = super().write(file_obj, offset, data)
        assert isinstance(done, int)
        return done


class Stuck(asyncssh.SFTPServer):
    """Answers, and is not done with what it is asked for until it is let go."""

    let_go = asyncio.Event()

    @override
    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self.let_go.wait()


@dataclass(frozen=True, slots=True)
class Served:
    """A server: where it listens, its root, and the files of one who may come in."""

    port: int
    root: Path
    key: Path
    known_hosts: Path

    def url(self, folder: str, **other: str) -> str:
        """Return the address of a folder there; `other` are members of it to say otherwise."""
        files = {"key": str(self.key), "known_hosts": str(self.known_hosts), **other}
        return f"sftp://{USER}@{LOOPBACK}:{self.port}{folder}?{urlencode(files)}"


def a_key(path: Path) -> asyncssh.SSHKey:
    """Make a private key and write it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(path))
    return key


@asynccontextmanager
async def serving_sftp(
    folder: Path, kind: type[asyncssh.SFTPServer] = asyncssh.SFTPServer
) -> AsyncIterator[Served]:
    """Serve a new folder below one that is there; keys and host keys lie beside it."""
    root, key, known_hosts = folder / "root", folder / "key", folder / "known_hosts"
    root.mkdir()
    own, caller = a_key(folder / "host_key"), a_key(key)
    believed = asyncssh.import_authorized_keys(caller.export_public_key().decode())
    server = await asyncssh.listen(
        LOOPBACK,
        0,
        server_host_keys=[own],
        authorized_client_keys=believed,
        sftp_factory=lambda connection: kind(connection, chroot=os.fsencode(root)),
    )
    port = server.get_port()
    known_hosts.write_text(f"[{LOOPBACK}]:{port} {own.export_public_key().decode()}")
    try:
        yield Served(port, root, key, known_hosts)
    finally:
        server.close()
        await server.wait_closed()
