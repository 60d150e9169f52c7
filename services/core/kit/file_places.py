"""Checks the settings that name a file store or a file sink, and opens it."""

import os
from pathlib import Path

from services.core.kit.file_store import DirectoryStore, FileSink, FileStore

_S3 = "s3://"
_SFTP = "sftp://"
_OF_BUCKETS = (
    ("AWS_ACCESS_KEY_ID",),
    ("AWS_SECRET_ACCESS_KEY",),
    ("AWS_ENDPOINT_URL", "AWS_REGION"),
)
"""Variables that an S3 client reads: one of each group must be set. Without a key it would ask the
machine's metadata address for one, which nothing of ours may call."""

_FORMS_OF_DROPS = (
    "must be an absolute path, or have the form s3://bucket/prefix or sftp://user@host/folder?key=…"
)


def checked_files(said: str) -> str:
    """Return the setting unchanged.

    Raises:
        ValueError: it is neither an absolute path nor `s3://bucket` or `s3://bucket/prefix`, or
            the environment lacks variables that an S3 client needs.
    """
    return _checked(said, "must be an absolute path, or have the form s3://bucket/prefix")


def _checked(said: str, otherwise: str) -> str:
    if said.startswith(_S3):
        if not said.removeprefix(_S3).strip("/"):
            raise ValueError("must name a bucket, such as s3://wufei/files")
        lacking = [" or ".join(one) for one in _OF_BUCKETS if not any(map(os.environ.get, one))]
        if lacking:
            raise ValueError(f"needs {', '.join(lacking)} beside it")
    elif not Path(said).is_absolute():
        raise ValueError(otherwise)
    return said


def open_store(said: str) -> FileStore:
    """Return the store that a setting names."""
    if said.startswith(_S3):
        # Imported only where needed: the library comes with the extra `s3`.
        from services.core.kit.s3_store import S3Store  # noqa: PLC0415

        return S3Store.at(said)
    return DirectoryStore(Path(said))


def checked_drops(said: str) -> str:
    """Return the setting unchanged.

    Raises:
        ValueError: it names neither a file store nor an SFTP folder with its two key files.
    """
    if not said.startswith(_SFTP):
        return _checked(said, _FORMS_OF_DROPS)
    from services.core.kit.sftp_sink import SftpPlace  # noqa: PLC0415

    SftpPlace.at(said)
    return said


def open_sink(said: str) -> FileSink:
    """Return the sink that a setting names."""
    if not said.startswith(_SFTP):
        return open_store(said)
    # Imported only where needed: the library comes with the extra `sftp`.
    from services.core.kit.sftp_sink import SftpPlace, SftpSink  # noqa: PLC0415

    return SftpSink(SftpPlace.at(said))
