"""How commands call the API: its address, the key, and how a refusal is shown."""

import os

import httpx

from services.console.errors import ConsoleError
from services.console.settings import Settings
from services.core.kit.text import Language

URL, KEY = "WUFEI_URL", "WUFEI_KEY"


def api_client(url: str | None, language: Language) -> httpx.Client:
    """Return a client with the caller's key, of the API at `url` or at the environment's address.

    Raises:
        ConsoleError: there is no key, or an invalid one, or no address.
    """
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise ConsoleError(f"give the key to call the API with in {KEY}")
    headers = {"Authorization": f"Bearer {in_header(key, KEY)}", "Accept-Language": language}
    address = _address(url)
    try:
        return httpx.Client(base_url=address, headers=headers, timeout=60)
    except httpx.InvalidURL as error:
        raise ConsoleError(f"this is no address: {address} ({error})") from None


def in_header(said: str, name: str) -> str:
    """Check that a value can be sent in a header, and return it.

    Raises:
        ConsoleError: it cannot; the message has its source `name`, and not the value.
    """
    if not (said.isascii() and said.isprintable()):
        raise ConsoleError(f"{name} holds a character that no header carries: copy it once more")
    return said


def _address(given: str | None) -> str:
    settings = Settings.read()
    address = given or os.environ.get(URL) or f"http://{settings.host}:{settings.port}"
    return address.rstrip("/").removesuffix("/v1") + "/v1/"


PUBLISHED = "/.well-known/wufei-signing-keys.json"
"""The path where an installation publishes the public keys of its files."""


def published_keys(url: str | None) -> list[bytes]:
    """Return the present and former public keys with which the installation at `url` signs files.

    It needs no key of the caller's. None: it signs nothing, or has an earlier release.

    Raises:
        ConsoleError: its answer has no readable keys.
    """
    address = _address(url).removesuffix("/v1/") + PUBLISHED
    try:
        answer = httpx.get(address, timeout=60)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        answer.raise_for_status()
        return [bytes.fromhex(one["public_key"]) for one in answer.json()["keys"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise ConsoleError(f"{address} tells no keys: {error}") from None


def no_answer(client: httpx.Client, error: httpx.TransportError) -> ConsoleError:
    """Return the error that the API does not answer."""
    return ConsoleError(f"no answer from {client.base_url}: {error}")


def refusal(answer: httpx.Response) -> ConsoleError:
    """Return the error for a refusal of the API, with each fault once; its body has been read."""
    body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    told = [one["detail"] for one in body.get("errors", [])] or [body.get("detail", "")]
    said = [body.get("title", str(answer.status_code)), *told]
    return ConsoleError("\n".join(dict.fromkeys(one for one in said if one)))
