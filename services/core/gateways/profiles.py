"""How partners' platforms sign a request: one row of a table per profile. Pure.

One row serves both directions: it verifies incoming requests and signs outgoing ones. The sources
are public code and documents; a profile stays unprovisioned until a partner gives credentials.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, auto
from typing import Literal

from services.core.kit.text import Text

SigningAlgorithm = Literal["hmac-sha256", "hmac-sm3", "sha256", "sha1", "md5"]
"""Without `hmac` the secret is part of the digested text."""

Encoding = Literal["base64", "hex", "HEX"]
"""`HEX` is upper case; hexadecimal signatures are compared without regard to case."""

TimeUnit = Literal["s", "ms", "iso"]
"""Seconds or milliseconds since 1970, or `2026-01-01T08:00:00.000+08:00`."""

PlainProfileName = Literal[
    "wufei-hmac",
    "wufei-hmac-sm3",
    "national",
    "tif",
    "zzd",
    "shandong",
    "app-sha1",
    "app-md5",
]
"""Profiles that leave the body as it is; reports to superiors use them too."""

ProfileName = Literal[PlainProfileName, "tif-sm"]


class SignedPart(Enum):
    """The parts that the signed text may contain."""

    PARTNER = auto()
    """The caller: the id that we gave the partner."""
    INTERFACE = auto()
    """The called operation, if a profile names one."""
    TIME = auto()
    NONCE = auto()
    SECRET = auto()
    METHOD = auto()
    PATH = auto()
    QUERY = auto()
    """The pairs of the query, `k=v`, sorted, joined by `&`."""
    BODY = auto()
    """The digest of the body, in lower-case hexadecimal digits."""
    PARAMETERS = auto()
    """The members of a form, `k=v`, sorted, joined by `&`; left out if there are none."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A way to sign.

    `places` names the headers, or the members of the body, that carry each part; `constants` are
    sent beside them and not checked. With `envelope` requests and answers have the body of
    `sm_envelope`. A time may differ from ours by up to `window`. `refused` is the code of every
    refusal if the platform knows only one; None: the HTTP status.
    """

    name: ProfileName
    title: Text
    places: Mapping[SignedPart, str]
    signature: str
    signed: tuple[SignedPart, ...]
    algorithm: SigningAlgorithm
    encoding: Encoding
    time: TimeUnit
    window: timedelta
    separator: str = ""
    in_body: bool = False
    envelope: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)
    refused: int | None = None

    @property
    def signs_all(self) -> bool:
        """Return whether the signature covers the whole request: method, path and body.

        Signing the members of a form is not enough: they are one text, in which `a=x&b=y` may be
        two members or one.
        """
        return {SignedPart.METHOD, SignedPart.PATH, SignedPart.BODY} <= set(self.signed)

    @property
    def takes_form(self) -> bool:
        """Return whether the body must be a form, because the signature covers its members."""
        return SignedPart.PARAMETERS in self.signed


_OWN = {
    SignedPart.PARTNER: "x-wufei-partner",
    SignedPart.TIME: "x-wufei-timestamp",
    SignedPart.NONCE: "x-wufei-nonce",
}
_WHOLE = (
    SignedPart.METHOD,
    SignedPart.PATH,
    SignedPart.QUERY,
    SignedPart.BODY,
    SignedPart.TIME,
    SignedPart.NONCE,
)
_FIVE_MINUTES = timedelta(minutes=5)

_TIF = Profile(
    "tif",
    Text("TIF 网关（若干省份、国家医保）", "TIF gateway (several provinces, NHSA)"),
    places={
        SignedPart.PARTNER: "x-tif-paasid",
        SignedPart.TIME: "x-tif-timestamp",
        SignedPart.NONCE: "x-tif-nonce",
    },
    signature="x-tif-signature",
    signed=(SignedPart.TIME, SignedPart.SECRET, SignedPart.NONCE, SignedPart.TIME),
    algorithm="sha256",
    encoding="HEX",
    time="s",
    window=timedelta(seconds=180),
    refused=400001,
)

_ALL = (
    Profile(
        "wufei-hmac",
        Text("本系统签名（SHA-256）", "Our own, with SHA-256"),
        places=_OWN,
        signature="x-wufei-signature",
        signed=_WHOLE,
        separator="\n",
        algorithm="hmac-sha256",
        encoding="hex",
        time="s",
        window=_FIVE_MINUTES,
    ),
    Profile(
        "wufei-hmac-sm3",
        Text("本系统签名（SM3）", "Our own, with SM3"),
        places=_OWN,
        signature="x-wufei-signature",
        signed=_WHOLE,
        separator="\n",
        algorithm="hmac-sm3",
        encoding="hex",
        time="s",
        window=_FIVE_MINUTES,
    ),
    Profile(
        # 数据直达接口规范 v0.55 (2024-06). The order sid, rid, rtime is strict; the window is ours.
        "national",
        Text("国家政务服务平台（数据直达）", "National platform (gjzwfwpt)"),
        places={
            SignedPart.PARTNER: "gjzwfwpt_rid",
            SignedPart.INTERFACE: "gjzwfwpt_sid",
            SignedPart.TIME: "gjzwfwpt_rtime",
        },
        signature="gjzwfwpt_sign",
        signed=(SignedPart.INTERFACE, SignedPart.PARTNER, SignedPart.TIME),
        algorithm="hmac-sha256",
        encoding="base64",
        time="ms",
        window=_FIVE_MINUTES,
        refused=300,
    ),
    _TIF,
    replace(
        _TIF,
        name="tif-sm",
        title=Text("TIF 网关加国密信封（国家医保）", "TIF gateway with the SM envelope (NHSA)"),
        envelope=True,
    ),
    Profile(
        # The caller's IP and MAC addresses are sent but not signed. The window is ours.
        "zzd",
        Text("政务钉钉一族", "Government DingTalk family"),
        places={
            SignedPart.PARTNER: "apikey",
            SignedPart.TIME: "x-hmac-auth-timestamp",
            SignedPart.NONCE: "x-hmac-auth-nonce",
        },
        signature="x-hmac-auth-signature",
        signed=(
            SignedPart.METHOD,
            SignedPart.TIME,
            SignedPart.NONCE,
            SignedPart.PATH,
            SignedPart.PARAMETERS,
        ),
        separator="\n",
        algorithm="hmac-sha256",
        encoding="base64",
        time="iso",
        window=_FIVE_MINUTES,
        constants={
            "x-hmac-auth-version": "1.0",
            "x-hmac-auth-ip": "127.0.0.1",
            "x-hmac-auth-mac": "00:00:00:00:00:00",
        },
    ),
    Profile(
        "shandong",
        Text("山东公共数据开放网关", "Shandong open-data gateway"),
        places={
            SignedPart.PARTNER: "x-client-id",
            SignedPart.TIME: "x-timestamp",
            SignedPart.NONCE: "x-nonce",
        },
        signature="x-signature",
        signed=(SignedPart.PARTNER, SignedPart.TIME, SignedPart.NONCE),
        algorithm="hmac-sha256",
        encoding="base64",
        time="ms",
        window=timedelta(minutes=10),
    ),
    Profile(
        "app-sha1",
        Text("appKey 与 SHA-1（旧式）", "appKey with SHA-1 (old)"),
        places={SignedPart.PARTNER: "appKey", SignedPart.TIME: "timestamp"},
        signature="signature",
        signed=(SignedPart.PARTNER, SignedPart.SECRET, SignedPart.TIME),
        algorithm="sha1",
        encoding="hex",
        time="ms",
        window=timedelta(hours=1),
        in_body=True,
    ),
    Profile(
        # The window is ours.
        "app-md5",
        Text("appKey 与 MD5（旧式）", "appKey with MD5 (old)"),
        places={SignedPart.PARTNER: "appKey", SignedPart.TIME: "requestTime"},
        signature="sign",
        signed=(SignedPart.PARTNER, SignedPart.SECRET, SignedPart.TIME),
        algorithm="md5",
        encoding="hex",
        time="ms",
        window=_FIVE_MINUTES,
        in_body=True,
    ),
)

PROFILES: Mapping[str, Profile] = {one.name: one for one in _ALL}
"""Every profile, by its name."""
