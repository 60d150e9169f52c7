"""The families of government apps that people sign in with, one row of a table each. Pure.

The sources are public code and documents; each stays unprovisioned until a city has credentials.
The signature of zhb's gateway is not public: its form here is our guess, which only this table and
`provider_envelope` contain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from services.core.kit.text import Text

FamilyName = Literal["zzd", "wecom", "zhb"]
CodeSource = Literal["app", "scan"]
"""Where a code comes from: the app itself, or its scan of a QR code on another screen."""

SecretName = Literal["secret", "cipher_key", "cipher_iv"]


@dataclass(frozen=True, slots=True)
class Family:
    """How the apps of a family are called.

    `token_path` returns the app token, None: a code is enough. `paths` take a code, by its source.
    `subject` are names of the member that holds the account's id: the rest of an answer is ignored.
    Of the refusals of `paths`, those in `token_gone` require another app token, those in
    `signature` mean that the app rejects our signature; any other is the code's fault.
    """

    name: FamilyName
    title: Text
    token_path: str | None
    paths: Mapping[CodeSource, str]
    subject: tuple[str, ...]
    secrets: tuple[SecretName, ...] = ("secret",)
    needs_module: bool = False
    token_gone: frozenset[str] = frozenset()
    signature: frozenset[str] = field(default_factory=frozenset)


TOKEN_LIFE = timedelta(seconds=7200)
"""Lifetime of an app token if its answer does not say."""

_ALL = (
    Family(
        "zzd",
        Text("政务钉钉一族（浙政钉、专有钉钉、豫政通）", "Government DingTalk family"),
        token_path="/gettoken.json",  # noqa: S106 (a path)
        paths={
            "app": "/rpc/oauth2/dingtalk_app_user.json",
            "scan": "/rpc/oauth2/getuserinfo_bycode.json",
        },
        subject=("accountId",),
        token_gone=frozenset({"invalidAccessToken", "AccessTokenExpired", "40014", "42001"}),
        signature=frozenset({"SignatureDoesNotMatch", "OPF-B001-05-16-0009"}),
    ),
    Family(
        "wecom",
        Text("企业微信一族（粤政易、政务微信）", "WeCom family"),
        token_path="/cgi-bin/gettoken",  # noqa: S106 (a path)
        paths={"app": "/cgi-bin/user/getuserinfo", "scan": "/cgi-bin/user/getuserinfo"},
        subject=("UserId", "userid"),
        token_gone=frozenset({"40001", "40014", "42001"}),
        signature=frozenset({"40013", "40091", "60020"}),
    ),
    Family(
        "zhb",
        Text("郑好办", "Zhenghaoban"),
        token_path=None,
        paths={"app": "/bizgw/gateway.do"},
        subject=("uid", "zid"),
        secrets=("secret", "cipher_key", "cipher_iv"),
        needs_module=True,
    ),
)

FAMILIES: Mapping[str, Family] = {one.name: one for one in _ALL}
"""Every family, by its name."""
