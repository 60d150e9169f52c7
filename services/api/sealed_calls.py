"""Requests in an SM2 envelope, opened with the keys of the partner that sent them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from services.core.gateways.errors import SignatureLate, SignatureWrong, clock_said
from services.core.gateways.models import Partner
from services.core.gateways.profiles import Profile
from services.core.gateways.service import sm_context
from services.core.gateways.signing import read_time
from services.core.gateways.sm_envelope import SmKeys, opened
from services.core.kit.sealing import Seal


def sm_keys_of(partner: Partner, secrets: Sequence[bytes], seal: Seal) -> tuple[SmKeys, ...]:
    """Return the keys for a partner's envelopes, by each secret; empty: it uses none.

    Raises:
        CannotUnseal: our private key was sealed with a key that is not here.
    """
    if partner.sm_private_sealed is None or partner.sm_public_key is None:
        return ()
    private = seal.unseal(partner.sm_private_sealed, sm_context(partner.id))
    public = bytes.fromhex(partner.sm_public_key)
    return tuple(SmKeys(partner.app_id, one.decode(), private, public) for one in secrets)


async def told_within(
    profile: Profile, body: bytes, keys: Sequence[SmKeys], now: datetime
) -> tuple[Mapping[str, Any] | None, SmKeys | None]:
    """Return an envelope's contents, and the keys that opened it; None if there is none.

    It is opened in a thread, because SM2 takes a tenth of a second.

    Raises:
        SignatureWrong, SignatureLate: the partner did not make it, or not lately.
        SmNotInstalled: SM2 is not installed.
    """
    if not profile.envelope:
        return None, None
    for one in keys:
        with suppress(SignatureWrong):
            found = await asyncio.to_thread(opened, body, one)
            at = read_time("s", found.timestamp)
            if at is None or abs(now - at) > profile.window:
                raise clock_said(SignatureLate, profile.window, now)
            return found.data, one
    raise SignatureWrong
