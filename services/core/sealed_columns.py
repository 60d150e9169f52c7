"""Every column that holds sealed values, and what each is bound to."""

from services.core.kit.resealing import SealedColumn
from services.core.webhooks.messages import headers_context, secret_context, url_context

SEALED = (
    SealedColumn("webhook_endpoint", "url_sealed", url_context),
    SealedColumn("webhook_endpoint", "headers_sealed", headers_context),
    SealedColumn("webhook_secret", "secret_sealed", secret_context),
)
