"""Reads HTML forms, within bounds, and only from pages of ours.

A form is accepted if the browser says that one of our own pages sent it (`Origin`) and if it
carries the CSRF token of that session, which no other page can know.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from services.api.context import resources_of
from services.core.kit.errors import DomainError, Fault, InvalidInput, RefusalKind
from services.core.kit.sealing import Seal, SecretKeyNotSet
from services.core.kit.text import Text

TOKEN = "form_token"  # noqa: S105 (the name of a field)
_CONTEXT = "board form"
_MOST_FIELDS = 2000
_LONGEST_FIELD = 64 * 1024
_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class FormRefused(DomainError):
    """The form did not come from a page of this session; open the page again and send it there."""

    code = "form-refused"
    kind = RefusalKind.FORBIDDEN
    title = Text(
        "表单不是从本会话的页面提交的，请重新打开页面再提交",
        "The form did not come from a page of this session: open the page again and send it there",
    )


@dataclass(frozen=True, slots=True)
class Form:
    """A parsed form: its fields, each as often as it was sent, and its files."""

    fields: Mapping[str, list[str]]
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return a field stripped of blanks; empty if it was not filled in."""
        return (self.fields.get(name) or [""])[0].strip()

    def every(self, name: str) -> list[str]:
        """Return each value of a field that was filled in."""
        return [one.strip() for one in self.fields.get(name, []) if one.strip()]


def form_token(request: Request, mark: str) -> str:
    """Return the CSRF token of a session's forms, or of a sign-in in progress.

    Raises:
        SecretKeyNotSet: this deployment has no key to sign it with.
    """
    return base64.urlsafe_b64encode(_seal(request).sign(mark.encode(), _CONTEXT)).decode()


def _seal(request: Request) -> Seal:
    seal = resources_of(request).seal
    if seal is None:
        raise SecretKeyNotSet
    return seal


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent.

    Raises:
        FormRefused: the browser does not say that a page of ours sent it.
    """
    host = request.headers.get("host", "")
    origin = request.headers.get("origin", "")
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise FormRefused
    if not host or urlsplit(origin).netloc.lower() != host.lower():
        raise FormRefused


async def form_of(request: Request, mark: str) -> Form:
    """Return the form that a session sent.

    Raises:
        FormRefused: a page of another site sent it, or a page of another session.
        InvalidInput: it is not a form, or longer than any of ours.
    """
    check_origin(request)
    form = await _read(request)
    try:
        sent = base64.urlsafe_b64decode(form.get(TOKEN).encode("ascii", "replace"))
    except binascii.Error:
        raise FormRefused from None
    if not _seal(request).has_signed(mark.encode(), sent, _CONTEXT):
        raise FormRefused
    return form


async def _read(request: Request) -> Form:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise _no_form("not-a-form")
    fields: dict[str, list[str]] = {}
    files: dict[str, tuple[str, bytes]] = {}
    try:
        async with request.form(
            max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
        ) as sent:
            for name, value in sent.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = value.filename or "", await value.read()
                else:
                    fields.setdefault(name, []).append(value)
    except MultiPartException:
        raise _no_form("form-too-long") from None
    if sum(len(one) for one in fields.values()) > _MOST_FIELDS:
        raise _no_form("form-too-long")
    if any("\x00" in one for said in fields.values() for one in said):
        raise _no_form("not-a-form")
    return Form(fields, files)


def _no_form(code: str) -> InvalidInput:
    said = Text("请在页面上填写并提交", "Fill in the page and send it from there")
    return InvalidInput(faults=[Fault("", code, said)])
