"""Files in a bucket of an S3-compatible service.

Credentials and endpoint come from the standard AWS variables: AWS_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import timedelta

from obstore import delete_async, get_async, put_async
from obstore import list as list_objects
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from services.core.kit.file_store import PART_BYTES, FileMissing, FileStoreUnavailable, StoredFile

_LISTED_AT_ONCE = 500
_PART_OF_UPLOAD = 8 * 1024 * 1024
_UPLOADED_AT_ONCE = 2


class S3Store:
    """Files in a bucket; an incomplete upload never becomes visible there."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @classmethod
    def at(cls, url: str) -> "S3Store":
        """Return the store at `s3://bucket/prefix`."""
        return cls(
            Bucket.from_url(
                url,
                # Not every service that calls itself compatible supports bulk deletes.
                config={"disable_bulk_delete": True},
                # The configured endpoint decides whether it is http or https.
                client_options={"connect_timeout": "5s", "timeout": "60s", "allow_http": True},
                retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
            )
        )

    async def put(self, key: str, parts: AsyncIterator[bytes]) -> None:
        """Store a file as a multipart upload, which the service completes at the end."""
        raised: BaseException | None = None

        async def watched() -> AsyncIterator[bytes]:
            nonlocal raised
            try:
                async for part in parts:
                    yield part
            except BaseException as error:
                raised = error
                raise

        try:
            await put_async(
                self._bucket,
                key,
                watched(),
                chunk_size=_PART_OF_UPLOAD,
                max_concurrency=_UPLOADED_AT_ONCE,
            )
        except Exception as error:
            # An exception from `parts` comes back as an error of the store.
            if raised is not None:
                raise raised from None
            raise FileStoreUnavailable from error

    async def open(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield the chunks of a file."""
        try:
            found = await get_async(self._bucket, key)
            async for part in found.stream(min_chunk_size=PART_BYTES):
                yield bytes(part)
        except FileNotFoundError:
            raise FileMissing from None
        except BaseError as error:
            raise FileStoreUnavailable from error

    async def delete(self, key: str) -> None:
        """Delete a file."""
        try:
            with suppress(FileNotFoundError):
                await delete_async(self._bucket, key)
        except BaseError as error:
            raise FileStoreUnavailable from error

    async def list(self, prefix: str) -> AsyncIterator[StoredFile]:
        """Yield the files whose keys begin with a prefix."""
        try:
            async for batch in list_objects(self._bucket, prefix, chunk_size=_LISTED_AT_ONCE):
                for one in batch:
                    yield StoredFile(one["path"], one["size"])
        except BaseError as error:
            raise FileStoreUnavailable from error
