"""Asks government apps who somebody is: one `SignInProvider` of three verbs, in three families.

The caller supplies the transport: an `Ask` sends requests through the guarded HTTP client. Only the
account's id is taken from an app's answer, and only a keyed digest of it leaves this module.
"""

import hmac
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from typing_extensions import override

from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call, body_of, sign
from services.core.kit.exact_data import MalformedBody, read_json
from services.core.kit.ids import new_id
from services.core.people.provider_envelope import (
    BadEnvelope,
    EnvelopeKeys,
    EnvelopeRefused,
    closed,
    opened,
)
from services.core.people.provider_families import FAMILIES, TOKEN_LIFE, CodeSource, Family

LONGEST_SUBJECT = 200
_LONGEST_TOKEN = 4000
_OK = 200
_ZZD = PROFILES["zzd"]
_JSON = "application/json"
_NOT_AGREED, _NO_TOKEN = "our signature was refused", "no app token was given"
_TOKEN_OF_ZHB, _USER_OF_ZHB = "szzz.uc.api.oauth.token", "szzz.uc.api.userinfo.get"


@dataclass(frozen=True, slots=True)
class AppCall:
    """A request to an app; it may contain secrets."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """The answer of an app."""

    status: int
    body: bytes = field(repr=False)


class NoAnswer(Exception):
    """An app could not be asked, and why; the message has no address and no part of an answer."""


Ask = Callable[[AppCall], Awaitable[AppAnswer]]
"""Sends a request and returns its answer, or raises `NoAnswer`."""


class CodeGone(Exception):
    """The app does not accept the code: it was used, has expired, or was made up."""


class ProviderFailed(Exception):
    """The app cannot be asked or trusted, and why; the message has no personal data."""


class _TokenGone(Exception):
    """The app no longer accepts our token."""


@dataclass(frozen=True, slots=True)
class SentCode:
    """A code as a client sends it, and where the client got it."""

    code: str = field(repr=False)
    source: CodeSource


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The result of exchanging a code: a token that fetches its account."""

    token: str = field(repr=False)
    sent: SentCode


class SignInProvider(Protocol):
    """A government app that tells who somebody is."""

    async def exchange(self, sent: SentCode) -> Exchanged:
        """Exchange a code, which is good once, for what fetches its account.

        Raises:
            CodeGone, ProviderFailed: the app refuses, or cannot be trusted.
        """
        ...

    async def subject(self, exchanged: Exchanged) -> str:
        """Return the stable id of the account, and nothing else of it.

        Raises:
            CodeGone, ProviderFailed: the app refuses, or cannot be trusted.
        """
        ...

    def mapped(self, subject: str) -> bytes:
        """Return the digest that links the account to one of our users."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """The settings of a city's app; `secrets` are unsealed."""

    family: str
    base_url: str
    app_id: str
    module_id: str | None
    secrets: Mapping[str, bytes] = field(repr=False)
    link_key: bytes = field(repr=False)


Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]
"""Fetches a new app token; returns it with its lifetime."""

TokenOf = Callable[[Fetch, str | None], Awaitable[str]]
"""Returns the app token that all processes share; the second argument is one that was refused."""


@dataclass(frozen=True, slots=True)
class _Base(ABC):
    given: Given
    ask: Ask
    token_of: TokenOf
    now: Callable[[], datetime]

    @property
    def family(self) -> Family:
        return FAMILIES[self.given.family]

    def mapped(self, subject: str) -> bytes:
        """Return the digest that links an account; without its key it reveals nothing."""
        return hmac.digest(self.given.link_key, subject.encode(), "sha256")

    @abstractmethod
    async def exchange(self, sent: SentCode) -> Exchanged:
        """See `SignInProvider`."""

    @abstractmethod
    async def subject(self, exchanged: Exchanged) -> str:
        """See `SignInProvider`."""

    async def _asked(self, call: AppCall) -> bytes:
        try:
            answer = await self.ask(call)
        except NoAnswer as error:
            raise ProviderFailed(str(error)) from None
        if answer.status != _OK:
            raise ProviderFailed(f"answered {answer.status}")
        return answer.body

    def _subject_of(self, data: object) -> str:
        """Return the id of an account.

        Raises:
            CodeGone: it is missing, as for somebody who is no member of the organization.
            ProviderFailed: it is too long.
        """
        found = data if isinstance(data, Mapping) else {}
        for name in self.family.subject:
            value = found.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
                if len(str(value)) > LONGEST_SUBJECT:
                    raise ProviderFailed("an id that is too long")
                return str(value)
        raise CodeGone


class _ByAppToken(_Base):
    """An app that takes our app token, shared by all processes, together with a code."""

    @override
    async def exchange(self, sent: SentCode) -> Exchanged:
        """Pair a code with the app token: both together fetch the account."""
        return Exchanged(await self.token_of(self._fetch, None), sent)

    @override
    async def subject(self, exchanged: Exchanged) -> str:
        """Fetch the code's account; if our token was refused, once more with a new one."""
        try:
            return await self._by_code(exchanged)
        except _TokenGone:
            token = await self.token_of(self._fetch, exchanged.token)
        try:
            return await self._by_code(Exchanged(token, exchanged.sent))
        except _TokenGone:
            raise ProviderFailed("a new app token was refused") from None

    @abstractmethod
    async def _fetch(self) -> tuple[str, timedelta]:
        """Fetch an app token."""

    @abstractmethod
    async def _by_code(self, exchanged: Exchanged) -> str:
        """Fetch the id of an account by its code."""

    def _refused(self, code: str) -> Exception:
        """Return the exception for a refusal."""
        if code in self.family.token_gone:
            return _TokenGone()
        return ProviderFailed(_NOT_AGREED) if self._is_ours(code) else CodeGone()

    def _is_ours(self, code: str) -> bool:
        return code in self.family.signature


class _Zzd(_ByAppToken):
    """The family of government DingTalk: a form, signed by the profile `zzd`."""

    @override
    async def _fetch(self) -> tuple[str, timedelta]:
        members = {
            "appkey": self.given.app_id,
            "appsecret": self.given.secrets["secret"].decode(),
        }
        content, refused = await self._content(self.family.token_path or "", members)
        token = content.get("accessToken")
        if refused is not None and self._is_ours(refused):
            raise ProviderFailed(_NOT_AGREED)
        if refused is not None or not isinstance(token, str):
            raise ProviderFailed(_NO_TOKEN)
        return _token(token), _life(content.get("expiresIn"))

    @override
    async def _by_code(self, exchanged: Exchanged) -> str:
        sent = exchanged.sent
        name = "code" if sent.source == "scan" else "auth_code"
        members = {"access_token": exchanged.token, name: sent.code}
        content, refused = await self._content(self.family.paths[sent.source], members)
        if refused is not None:
            raise self._refused(refused)
        return self._subject_of(content)

    async def _content(
        self, path: str, members: Mapping[str, str]
    ) -> tuple[Mapping[str, Any], str | None]:
        """Return the data of an answer, and the code of a refusal, None: it was not refused."""
        media_type, body = body_of(_ZZD, members)
        call = sign(
            _ZZD,
            Call("POST", path, {"content-type": media_type}, body=body),
            partner=self.given.app_id,
            secret=self.given.secrets["secret"],
            now=self.now(),
            nonce=new_id().hex,
        )
        sent = AppCall("POST", self.given.base_url + path, call.headers, body)
        answer = _read(await self._asked(sent))
        content = _mapping(answer.get("content"))
        if answer.get("success") is True and content.get("success") is True:
            return _mapping(content.get("data")), None
        said = content.get("responseCode") or answer.get("errorCode") or answer.get("bizErrorCode")
        return {}, str(said)


class _WeCom(_ByAppToken):
    """The family of WeCom: secrets are in the URL, so that no URL is ever logged."""

    @override
    async def _fetch(self) -> tuple[str, timedelta]:
        secret = self.given.secrets["secret"].decode()
        query = {"corpid": self.given.app_id, "corpsecret": secret}
        answer = await self._get(self.family.token_path or "", query)
        token = answer.get("access_token")
        if str(answer.get("errcode", 0)) != "0" or not isinstance(token, str):
            raise ProviderFailed(_NO_TOKEN)
        return _token(token), _life(answer.get("expires_in"))

    @override
    async def _by_code(self, exchanged: Exchanged) -> str:
        query = {"access_token": exchanged.token, "code": exchanged.sent.code}
        answer = await self._get(self.family.paths[exchanged.sent.source], query)
        refused = str(answer.get("errcode", 0))
        if refused != "0":
            raise self._refused(refused)
        return self._subject_of(answer)

    async def _get(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        url = f"{self.given.base_url}{path}?{urlencode(query)}"
        return _read(await self._asked(AppCall("GET", url, {"accept": _JSON}, b"")))


class _Zhb(_Base):
    """Zhenghaoban: exchanges a code for a token, and the token for an account, by its gateway."""

    @override
    async def exchange(self, sent: SentCode) -> Exchanged:
        """Exchange a code for a token of its account."""
        grant = {"grantType": "authorization_code", "authCode": sent.code}
        token = (await self._through(_TOKEN_OF_ZHB, grant)).get("oauthToken")
        if not isinstance(token, str):
            raise CodeGone
        return Exchanged(_token(token), sent)

    @override
    async def subject(self, exchanged: Exchanged) -> str:
        """Fetch the account's id; the other data about the citizen is discarded here."""
        return self._subject_of(await self._through(_USER_OF_ZHB, {"oauthToken": exchanged.token}))

    async def _through(self, method: str, members: Mapping[str, str]) -> Mapping[str, Any]:
        secrets = self.given.secrets
        keys = EnvelopeKeys(secrets["secret"], secrets["cipher_key"], secrets["cipher_iv"])
        head = {
            "appId": self.given.app_id,
            "method": method,
            "timestamp": int(self.now().timestamp() * 1000),
        }
        body = closed(head, {"moduleId": self.given.module_id, **members}, keys)
        url = self.given.base_url + self.family.paths["app"]
        answer = await self._asked(AppCall("POST", url, {"content-type": _JSON}, body))
        try:
            return _mapping(opened(answer, keys).get("data"))
        except BadEnvelope as error:
            raise ProviderFailed(str(error)) from None
        except EnvelopeRefused:
            raise CodeGone from None


_CLASSES: Mapping[str, type[_Base]] = {"zzd": _Zzd, "wecom": _WeCom, "zhb": _Zhb}


def provider_of(
    given: Given, *, ask: Ask, token_of: TokenOf, now: Callable[[], datetime]
) -> SignInProvider:
    """Return the client of a city's app."""
    return _CLASSES[given.family](given, ask, token_of, now)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        read = read_json(body)
    except MalformedBody:
        raise ProviderFailed("not JSON") from None
    if not isinstance(read, dict):
        raise ProviderFailed("not an object of JSON")
    return read


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _token(text: str) -> str:
    if not 0 < len(text) <= _LONGEST_TOKEN:
        raise ProviderFailed("a token of no good length")
    return text


def _life(seconds: object) -> timedelta:
    """Return how long a token is good; the app's word is trusted up to a day."""
    text = str(seconds)
    if not text.isascii() or not text.isdigit() or len(text) > len("86400"):
        return TOKEN_LIFE
    return min(timedelta(seconds=int(text)), timedelta(days=1))
