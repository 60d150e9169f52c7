"""Stand-ins of the government apps that say who signs in: real servers on loopback, one a family.

They know accounts with all that such an app tells of a person, so that tests see what is kept of
it. A code is good once; what else they do a test tells them.
"""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.core.gateways.errors import SignatureLate, SignatureMissing, SignatureWrong
from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call, presented, prove
from services.core.kit.clock import Clock
from tests.support.api import Door
from tests.support.people import Somebody, asked, security, somebody
from tests.support.receiver import Heard, Receiver, a_receiver, answer

APP_ID = "wufei-Ab12Cd34"
SECRET = "an-app-secret-of-the-stand-in"
CIPHER_KEY = b"0123456789abcdef"
CIPHER_IV = b"fedcba9876543210"
PHONE, ID_CODE, FULL_NAME = "13800001234", "410183199001011234", "不应保存的姓名"
_BLOCK_BITS = 128


@dataclass
class App:
    """A stand-in: its codes by account, the tokens that it takes, and how often it was asked."""

    family: str
    receiver: Receiver
    codes: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    given: int = 0
    asked: list[str] = field(default_factory=list)
    secret: str = SECRET
    spoil: Callable[[bytes], bytes] = bytes
    """What is done to each answer on its way out."""

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return self.receiver.url("")

    def settings(self, code: str, **more: Any) -> dict[str, Any]:
        """Return the body that sets it up as a provider."""
        body = {
            "code": code,
            "name": f"{self.family} stand-in",
            "family": self.family,
            "base_url": self.base_url,
            "app_id": APP_ID,
            "secret": SECRET,
        }
        if self.family == "zhb":
            body |= {
                "module_id": "1220",
                "cipher_key": base64.b64encode(CIPHER_KEY).decode(),
                "cipher_iv": base64.b64encode(CIPHER_IV).decode(),
            }
        return body | more

    def code_of(self, account: str) -> str:
        """Return a new code of an account, good once."""
        code = f"code-{account}-{len(self.codes)}-{len(self.asked)}"
        self.codes[code] = account
        return code

    async def write(self, heard: Heard, writer: asyncio.StreamWriter) -> None:
        """Answer one request as the family does."""
        self.asked.append(urlsplit(heard.target).path)
        body = json.dumps(_FAMILIES[self.family](self, heard), ensure_ascii=False).encode()
        await answer(200, self.spoil(body), content_type="application/json")(heard, writer)

    def new_token(self) -> str:
        """Give an app token."""
        self.given += 1
        token = f"app-token-{self.given}"
        self.tokens.add(token)
        return token


def _person(account: str) -> dict[str, Any]:
    return {"phone": PHONE, "mobile": PHONE, "name": FULL_NAME, "idCode": ID_CODE, "of": account}


def _zzd(app: App, heard: Heard) -> dict[str, Any]:
    profile, target = PROFILES["zzd"], urlsplit(heard.target)
    headers = {name.lower(): value for name, value in heard.headers.items()}
    call = Call(heard.method, target.path, headers, target.query, heard.body)
    try:
        said = presented(profile, call)
        prove(profile, call, said, [app.secret.encode()], Clock.true_now())
    except (SignatureMissing, SignatureWrong, SignatureLate):
        return {"success": False, "errorCode": "SignatureDoesNotMatch"}
    form = dict(parse_qsl(heard.body.decode()))
    if target.path == "/gettoken.json":
        data: dict[str, Any] = {"accessToken": app.new_token(), "expiresIn": "7200"}
    elif form.get("access_token") not in app.tokens:
        return {"success": True, "content": {"success": False, "responseCode": "40014"}}
    else:
        name = "code" if "bycode" in target.path else "auth_code"
        account = app.codes.pop(form.get(name, ""), None)
        if account is None:
            return {"success": True, "content": {"success": False, "responseCode": "gone"}}
        data = {**_person(account), "accountId": int(account), "lastName": FULL_NAME}
    return {"success": True, "content": {"success": True, "responseCode": "0", "data": data}}


def _wecom(app: App, heard: Heard) -> dict[str, Any]:
    target = urlsplit(heard.target)
    query = dict(parse_qsl(target.query))
    if target.path == "/cgi-bin/gettoken":
        if (query.get("corpid"), query.get("corpsecret")) != (APP_ID, app.secret):
            return {"errcode": 40001, "errmsg": "invalid credential"}
        return {"errcode": 0, "access_token": app.new_token(), "expires_in": 7200}
    if query.get("access_token") not in app.tokens:
        return {"errcode": 42001, "errmsg": "access_token expired"}
    account = app.codes.pop(query.get("code", ""), None)
    if account is None:
        return {"errcode": 40029, "errmsg": "invalid code"}
    if account.startswith("guest"):
        return {"errcode": 0, "OpenId": account, "DeviceId": "d"}
    return {"errcode": 0, "UserId": account, "DeviceId": "d", **_person(account)}


def _sign(shown: dict[str, Any], secret: str) -> str:
    text = "&".join(f"{name}={shown[name]}" for name in sorted(shown))
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def _sealed(app: App, code: int, data: dict[str, Any]) -> dict[str, Any]:
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    work = Cipher(algorithms.AES(CIPHER_KEY), modes.CBC(CIPHER_IV)).encryptor()
    plain = json.dumps(data).encode()
    closed = work.update(padder.update(plain) + padder.finalize()) + work.finalize()
    shown = {"code": code, "data": base64.b64encode(closed).decode()}
    return {**shown, "sign": _sign(shown, app.secret)}


def _zhb(app: App, heard: Heard) -> dict[str, Any]:
    said = json.loads(heard.body)
    shown = {name: value for name, value in said.items() if name != "sign"}
    if said["sign"] != _sign(shown, SECRET) or said["appId"] != APP_ID:
        return _sealed(app, 401, {})
    work = Cipher(algorithms.AES(CIPHER_KEY), modes.CBC(CIPHER_IV)).decryptor()
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    plain = work.update(base64.b64decode(said["data"])) + work.finalize()
    asked = json.loads(unpadder.update(plain) + unpadder.finalize())
    if said["method"] == "szzz.uc.api.oauth.token":
        account = app.codes.pop(asked["authCode"], None)
        if account is None or asked["moduleId"] != "1220":
            return _sealed(app, 500, {})
        app.tokens.add(f"of {account}")
        return _sealed(app, 200, {"data": {"oauthToken": f"of {account}"}})
    if asked["oauthToken"] not in app.tokens:
        return _sealed(app, 500, {})
    account = asked["oauthToken"].removeprefix("of ")
    return _sealed(app, 200, {"data": {"uid": account, **_person(account)}})


_FAMILIES: dict[str, Callable[[App, Heard], dict[str, Any]]] = {
    "zzd": _zzd,
    "wecom": _wecom,
    "zhb": _zhb,
}


@asynccontextmanager
async def an_app(family: str) -> AsyncIterator[App]:
    """Yield a stand-in of a family."""
    async with a_receiver() as receiver:
        app = App(family, receiver)
        receiver.behaviour = app.write
        yield app


ALLOWED = {"WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1"}
FAMILIES = ("zzd", "wecom", "zhb")


class provided:  # noqa: N801 (reads as a verb)
    """Sets a stand-in up as the provider `app` of the city, and ends it."""

    def __init__(self, door: Door, made: App, **more: Any) -> None:
        self._door, self._app, self._more = door, made, more
        self.id = ""

    async def __aenter__(self) -> Self:
        async with await security(self._door) as admin:
            body = self._app.settings("app", **self._more)
            made = await admin.post("/sign-in-providers", json=body)
        assert made.status_code == 201, made.text
        self.id = made.json()["id"]
        return self

    async def __aexit__(self, *_: object) -> None:
        async with await security(self._door) as admin:
            ended = await admin.delete(f"/sign-in-providers/{self.id}")
        assert ended.status_code == 204, ended.text


_numbers = iter(range(100_000, 200_000))


def new_account() -> str:
    """Return the id of an account that nobody has linked."""
    return str(next(_numbers))


async def by_app(door: Door, auth_code: str, **more: Any) -> httpx.Response:
    """Sign in by a code of the app."""
    return await asked(door, "/sign-in/provider", provider="app", auth_code=auth_code, **more)


async def linked(door: Door, app: App, role: str = "leader") -> tuple[Somebody, str]:
    """Return somebody in a post who has linked an account, and that."""
    account = new_account()
    one = await somebody(door, f"by-app-{account}", role)
    body = one.proof(provider="app", auth_code=app.code_of(account))
    answer = await asked(door, "/sign-in/link", **body)
    assert answer.status_code == 204, answer.text
    return one, account
