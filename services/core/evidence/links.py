"""Signed links to the content of evidence: they expire, and end with the key that made them.

Links are not stored. A link itself says whose it is, for which file and until when, and nobody else
can forge one.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.core.evidence.errors import EvidenceLinkEnded
from services.core.identity.errors import Unauthenticated
from services.core.kit.sealing import Seal

MOST_MINUTES = 60
USUAL_MINUTES = 10

_CONTEXT = "link to evidence"
_SIGNED = re.compile(r"([A-Za-z0-9]{1,20}):([0-9a-f]{32}):([0-9a-f]{32}):([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class EvidenceLink:
    """The content of a link: a city's file, the key that requested it, and its expiry."""

    city_code: str
    evidence_id: UUID
    credential_id: UUID
    expires_at: datetime

    def token(self, seal: Seal) -> str:
        """Return the signed token, for a query parameter."""
        plain = self._plain()
        return f"{_written(plain)}.{_written(seal.sign(plain, _CONTEXT))}"

    def _plain(self) -> bytes:
        parts = (
            self.city_code,
            self.evidence_id.hex,
            self.credential_id.hex,
            f"{int(self.expires_at.timestamp())}",
        )
        return ":".join(parts).encode()


def read_link(token: str, seal: Seal, *, now: datetime) -> EvidenceLink:
    """Verify a link and return its content; `now` is the real time.

    Raises:
        Unauthenticated: the signature is not ours.
        EvidenceLinkEnded: it has expired.
    """
    try:
        plain, signature = map(_read, token.split("."))
        found = _SIGNED.fullmatch(plain.decode("ascii"))
    except (ValueError, binascii.Error):
        raise Unauthenticated from None
    if found is None or not seal.has_signed(plain, signature, _CONTEXT):
        raise Unauthenticated
    expires_at = datetime.fromtimestamp(int(found[4]), UTC)
    if expires_at <= now:
        raise EvidenceLinkEnded
    return EvidenceLink(found[1], UUID(found[2]), UUID(found[3]), expires_at)


def _written(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def _read(written: str) -> bytes:
    padded = written + "=" * (-len(written) % 4)
    return base64.b64decode(padded, altchars=b"-_", validate=True)
