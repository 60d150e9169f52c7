"""The signed stamp of a form: plan, version, period, unit and form. Pure.

A sheet travels over chat for weeks and comes back under any name. Its stamp tells which request it
belongs to, and the signature that nobody changed it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from services.core.kit.sealing import Seal

FORMAT = "wufei-sheet/1"
"""The layout of a form's rows; another layout gets another number."""

SIGNATURE = "signature"
"""The member of a stamp that holds the signature."""

_CONTEXT = "stamp of a sheet"


@dataclass(frozen=True, slots=True)
class SheetStamp:
    """The context of a form. `version` is the plan's; `register` is empty except for its forms."""

    format: str
    form: str
    city_code: str
    plan: str
    version: str
    period: str
    organization_code: str
    register: str = ""

    def signed(self, seal: Seal) -> dict[str, str]:
        """Return its members by name, with the signature last."""
        made = base64.b64encode(seal.sign(self.text(), _CONTEXT)).decode()
        return {**self._said(), SIGNATURE: made}

    def text(self) -> bytes:
        """Return the bytes that are signed."""
        return json.dumps(self._said(), sort_keys=True, ensure_ascii=False).encode()

    def _said(self) -> dict[str, str]:
        """Return its members; other forms have no register, and are signed without."""
        said = asdict(self)
        return said if self.register else {name: said[name] for name in NAMES}


_REGISTER = "register"
NAMES = tuple(one.name for one in fields(SheetStamp) if one.name != _REGISTER)
"""The members that every stamp has."""

OF_REGISTER = "register"
"""The form's name in the stamp of a register's form."""


def read_stamp(said: Mapping[str, str], seal: Seal | None) -> SheetStamp | None:
    """Return the stamp of a sheet; None: it is incomplete, or its signature is invalid."""
    if seal is None or any(name not in said for name in (*NAMES, SIGNATURE)):
        return None
    stamp = SheetStamp(**{name: said[name] for name in NAMES}, register=said.get(_REGISTER, ""))
    try:
        signature = base64.b64decode(said[SIGNATURE], validate=True)
    except (binascii.Error, ValueError):
        return None
    return stamp if seal.has_signed(stamp.text(), signature, _CONTEXT) else None
