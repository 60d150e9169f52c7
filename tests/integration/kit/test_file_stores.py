"""What holds of every store of files: a file is there whole or not at all."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.core.kit.errors import InvalidInput
from services.core.kit.file_places import checked_drops, checked_files, open_store
from services.core.kit.file_store import FileMissing, FileStore, FileStoreUnavailable
from tests.support.s3 import BUCKET, Bucket, serving_s3

MIB = 1024 * 1024


@dataclass
class Place:
    store: FileStore
    bucket: Bucket | None
    folder: Path


@pytest.fixture(params=["directory", "s3"])
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    if request.param == "directory":
        yield Place(open_store(str(tmp_path / "files")), None, tmp_path / "files")
        return
    async with serving_s3() as (url, bucket):
        for name, value in (
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "wufei"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "cn-north-1"),
        ):
            monkeypatch.setenv(name, value)
        yield Place(open_store(f"s3://{BUCKET}/files"), bucket, tmp_path)


async def parts(*content: bytes, fault: Exception | None = None) -> AsyncIterator[bytes]:
    for one in content:
        yield one
    if fault is not None:
        raise fault


async def read(store: FileStore, key: str) -> bytes:
    return b"".join([part async for part in store.open(key)])


async def keys(store: FileStore, prefix: str) -> list[tuple[str, int]]:
    return sorted([(one.key, one.size) async for one in store.list(prefix)])


async def test_a_file_comes_back_as_it_was_put(place: Place) -> None:
    content = [bytes([number]) * MIB for number in range(20)]
    await place.store.put("410183/evidence/a", parts(*content))
    await place.store.put("410183/evidence/b", parts(b"short"))
    await place.store.put("410184/evidence/c", parts(b"another city's"))
    assert await read(place.store, "410183/evidence/a") == b"".join(content)
    assert await keys(place.store, "410183/evidence/") == [
        ("410183/evidence/a", 20 * MIB),
        ("410183/evidence/b", 5),
    ]
    await place.store.put("410183/evidence/b", parts(b"anew"))
    assert await read(place.store, "410183/evidence/b") == b"anew"
    await place.store.delete("410183/evidence/b")
    assert await keys(place.store, "410183/evidence/") == [("410183/evidence/a", 20 * MIB)]


async def test_what_breaks_off_leaves_nothing(place: Place) -> None:
    with pytest.raises(InvalidInput):
        await place.store.put("x/a", parts(*[b"0" * MIB] * 9, fault=InvalidInput()))
    assert await keys(place.store, "x/") == []
    with pytest.raises(FileMissing):
        await read(place.store, "x/a")


async def test_what_is_not_there_is_missing_and_lists_are_empty(place: Place) -> None:
    with pytest.raises(FileMissing):
        await read(place.store, "410183/evidence/none")
    assert await keys(place.store, "410183/evidence/") == []


async def test_a_store_that_is_away_says_so(place: Place) -> None:
    if place.bucket is None:
        place.folder.write_text("a file where the directory should be")
    else:
        place.bucket.away = True
    with pytest.raises(FileStoreUnavailable):
        await place.store.put("x/a", parts(b"1"))
    if place.bucket is not None:
        for deed in (read(place.store, "x/a"), keys(place.store, "x/")):
            with pytest.raises(FileStoreUnavailable):
                await deed


@pytest.mark.parametrize("said", ["files", "./files", "s3://", "s3:///"])
def test_a_place_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="must"):
        checked_files(said)


@pytest.mark.parametrize("said", ["/srv/wufei/files", "s3://bucket", "s3://bucket/a/b"])
def test_a_place_is_a_directory_or_a_bucket(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "said")
    assert checked_files(said) == said


@pytest.mark.parametrize("checked", [checked_files, checked_drops])
def test_a_bucket_whose_client_would_ask_the_machine_for_a_key_is_refused(
    checked: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL or AWS"):
        checked("s3://bucket/a")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wufei")
    with pytest.raises(ValueError, match=r"needs AWS_SECRET_ACCESS_KEY beside it"):
        checked("s3://bucket/a")
