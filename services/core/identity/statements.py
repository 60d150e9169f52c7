"""The SQL statements that look up a key, each in a single round trip of the driver.

Every credential that was not seen for some seconds is looked up, so this must be cheap.
"""

from services.core.identity.models import ApiKey
from services.core.kit.database import columns_of
from services.core.kit.statements import DriverStatement

_KEY = columns_of(ApiKey, "k")

_GOOD = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)"

KEY_BY_DIGEST = DriverStatement(f"""
SELECT {_KEY}, CAST(NULL AS timestamptz) AS secret_ends
FROM api_key AS k
WHERE k.city_code = :city AND k.secret_digest = :digest AND {_GOOD}
UNION ALL
SELECT {_KEY}, f.expires_at
FROM former_secret AS f JOIN api_key AS k ON k.city_code = f.city_code AND k.id = f.key_id
WHERE f.city_code = :city AND k.city_code = :city AND f.secret_digest = :digest
    AND f.expires_at > :now AND {_GOOD}
LIMIT 1
""")  # noqa: S608 (column names of our own)
"""The valid key with a secret of this digest, and the secret's end if another has replaced it."""

KEY_WITH_SECRETS = DriverStatement(f"""
SELECT {_KEY},
    ARRAY(
        SELECT f.prefix FROM former_secret AS f
        WHERE f.city_code = :city AND f.key_id = :key AND f.expires_at > :now ORDER BY f.prefix
    ) AS former_prefixes,
    ARRAY(
        SELECT f.expires_at FROM former_secret AS f
        WHERE f.city_code = :city AND f.key_id = :key AND f.expires_at > :now ORDER BY f.prefix
    ) AS former_ends
FROM api_key AS k WHERE k.city_code = :city AND k.id = :key AND {_GOOD}
""")  # noqa: S608 (column names of our own)
"""The valid key of an id, with its former secrets that are still valid, and when each ends."""
