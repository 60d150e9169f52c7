"""Every column that holds sealed values, and the context that each is bound to."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.core.connectors.messages import (
    connector_secret_context,
    receipts_context,
)
from services.core.connectors.messages import url_context as connector_url_context
from services.core.gateways.service import secret_context as partner_context
from services.core.gateways.service import sm_context
from services.core.packages.peer_keys import secret_context as peer_context
from services.core.people.providers import link_key_context, secrets_context, token_context
from services.core.people.second_factor import pending_context, totp_context
from services.core.webhooks.messages import headers_context, secret_context, url_context


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, in a table with `city_code` and `id`."""

    table: str
    column: str
    context: Callable[[UUID], str]


SEALED = (
    SealedColumn("webhook_endpoint", "url_sealed", url_context),
    SealedColumn("webhook_endpoint", "headers_sealed", headers_context),
    SealedColumn("webhook_secret", "secret_sealed", secret_context),
    SealedColumn("partner_secret", "secret_sealed", partner_context),
    SealedColumn("partner", "sm_private_sealed", sm_context),
    SealedColumn("connector", "url_sealed", connector_url_context),
    SealedColumn("connector", "receipts_url_sealed", receipts_context),
    SealedColumn("connector", "secret_sealed", connector_secret_context),
    SealedColumn("connector", "former_secret_sealed", connector_secret_context),
    SealedColumn("package_peer", "secret_sealed", peer_context),
    SealedColumn("person", "totp_sealed", totp_context),
    SealedColumn("person", "totp_pending_sealed", pending_context),
    SealedColumn("sign_in_provider", "secrets_sealed", secrets_context),
    SealedColumn("sign_in_provider", "link_key_sealed", link_key_context),
    SealedColumn("sign_in_provider", "token_sealed", token_context),
)
