"""From the setting that says where files are kept to the store that keeps them there."""

from pathlib import Path

from services.core.kit.file_store import DirectoryStore, FileStore

_S3 = "s3://"


def checked_files(said: str) -> str:
    """Return the setting as it is.

    Raises:
        ValueError: it is neither an absolute path nor `s3://bucket` or `s3://bucket/prefix`.
    """
    if said.startswith(_S3):
        if not said.removeprefix(_S3).strip("/"):
            raise ValueError("must name a bucket, such as s3://wufei/files")
    elif not Path(said).is_absolute():
        raise ValueError("must be an absolute path, or have the form s3://bucket/prefix")
    return said


def open_store(said: str) -> FileStore:
    """Return the store that a setting names."""
    if said.startswith(_S3):
        # Loaded only where it is asked for: the library comes with the extra `s3`.
        from services.core.kit.s3_store import S3Store  # noqa: PLC0415

        return S3Store.at(said)
    return DirectoryStore(Path(said))
