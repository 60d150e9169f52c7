"""Creates the services' database role and grants it its rights; another role owns the tables.

The role reads and inserts everywhere, and updates and deletes except in append-only tables. It owns
nothing, so it cannot alter a table. Roles belong to the whole server and not to a database. So the
role may exist already, made for another database or by another process at this moment.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import asyncpg

from services.core.kit.database import POOLED_SETTINGS
from services.core.kit.statements import DriverStatement

_ITERATIONS = 4096
"""PostgreSQL's own default for SCRAM."""

REVISIONS = "alembic_version"
"""The table that only migrations write."""


class RoleUnfit(RuntimeError):
    """The services cannot use this role: it has the owner's rights, or cannot be created."""


@dataclass(frozen=True, slots=True)
class Login:
    """A role's name and password, as an address contains them."""

    name: str
    password: str | None

    @classmethod
    def of(cls, url: str) -> "Login":
        """Return the login in an address."""
        parts = urlsplit(url)
        password = None if parts.password is None else unquote(parts.password)
        return cls(unquote(parts.username or ""), password)


async def admit(
    connection: asyncpg.Connection, login: Login, *, append_only: Collection[str]
) -> None:
    """Create the role if it is missing, and grant it exactly what the services need.

    The connection is the owner's, outside a transaction. Idempotent: it changes only what differs,
    so it may run at any time, beside the services. On tables that come later the role may read and
    insert at once; the next call grants the rest.

    Raises:
        RoleUnfit: the role is the owner or may become it, may change append-only tables through
            other grants, or is missing and the owner may not create roles.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('roles', 0))")
        await _make(connection, login)
        await _judge(connection, login.name)
        for statement in await _lacking(connection, login.name, append_only):
            await connection.execute(statement)
        await _check(connection, login.name, append_only)


async def _make(connection: asyncpg.Connection, login: Login) -> None:
    known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :name)"
    asked = DriverStatement(known).bind({"name": login.name})
    if await connection.fetchval(*asked):
        return
    role = _quoted(login.name)
    if login.password is None or not login.password.isascii():
        raise RoleUnfit(
            f"there is no role {role}, and its address has no password, or one that is not ASCII:"
            f" CREATE ROLE {role} LOGIN PASSWORD …, then migrate again"
        )
    try:
        # In a savepoint: another database's migration may be creating it at this moment.
        async with connection.transaction():
            verifier = _verifier(login.password)
            await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{verifier}'")
            for name, value in POOLED_SETTINGS.items():
                await connection.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return
    except asyncpg.InsufficientPrivilegeError:
        raise RoleUnfit(
            f"there is no role {role}, and the owner may make none: as an administrator of the"
            f" server CREATE ROLE {role} LOGIN PASSWORD …, then migrate again"
        ) from None


# Before PostgreSQL 16 a role with CREATEROLE can grant itself the owner's role.
_STANDING = DriverStatement("""
SELECT rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication AS mighty,
    pg_has_role(rolname, current_user, 'MEMBER') AS owner
FROM pg_roles WHERE rolname = :name
""")


async def _judge(connection: asyncpg.Connection, name: str) -> None:
    found = await connection.fetchrow(*_STANDING.bind({"name": name}))
    if found["mighty"] or found["owner"]:
        raise RoleUnfit(
            f"the role {_quoted(name)} of DATABASE_URL is the owner of the tables, may become it,"
            " or is above it (superuser, CREATEROLE, BYPASSRLS, REPLICATION): name another one"
        )


_TABLES = DriverStatement("""
SELECT c.relname AS name, coalesce(p.relname, c.relname) AS whole, c.relispartition AS is_part,
    ARRAY(SELECT a.privilege_type FROM aclexplode(c.relacl) AS a
        JOIN pg_roles AS r ON r.oid = a.grantee WHERE r.rolname = :role) AS has
FROM pg_class AS c
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS p ON p.oid = i.inhparent
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
    AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname
""")

_FUNCTIONS = DriverStatement("""
SELECT CAST(CAST(f.oid AS regprocedure) AS text) AS name,
    has_function_privilege(CAST(:role AS text), f.oid, 'EXECUTE') AS has,
    EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) AS a
        WHERE a.grantee = 0) AS public
FROM pg_proc AS f
WHERE f.pronamespace = CAST(CAST(current_schema() AS text) AS regnamespace) AND f.prosecdef
    AND pg_has_role(f.proowner, 'USAGE')
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = f.oid AND d.deptype = 'e')
""")

_SCHEMA = DriverStatement("""
SELECT current_schema() AS name,
    has_schema_privilege(CAST(:role AS text), current_schema(), 'USAGE') AS has,
    EXISTS (SELECT FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a
        JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE r.rolname = :role AND d.defaclobjtype = 'r'
            AND d.defaclnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)) AS later
""")


async def _lacking(
    connection: asyncpg.Connection, name: str, append_only: Collection[str]
) -> list[str]:
    """Return the statements that give the role its rights."""
    role, asked = _quoted(name), {"role": name}
    schema = await connection.fetchrow(*_SCHEMA.bind(asked))
    place = _quoted(schema["name"])
    said = []
    if not schema["has"]:
        said.append(f"GRANT USAGE ON SCHEMA {place} TO {role}")
    if not schema["later"]:
        said.append(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {place} GRANT SELECT, INSERT ON TABLES TO {role}"
        )
    for row in await connection.fetch(*_TABLES.bind(asked)):
        table = f"{place}.{_quoted(row['name'])}"
        due = _due(row["whole"], append_only, is_part=row["is_part"])
        said += _granted(table, role, due - set(row["has"]))
        said += _taken(table, role, set(row["has"]) - due)
    for row in await connection.fetch(*_FUNCTIONS.bind(asked)):
        if row["public"]:
            said.append(f"REVOKE ALL ON FUNCTION {row['name']} FROM PUBLIC")
        if row["public"] or not row["has"]:
            said.append(f"GRANT EXECUTE ON FUNCTION {row['name']} TO {role}")
    return said


def _due(table: str, append_only: Collection[str], *, is_part: bool) -> set[str]:
    """Return the rights on a table that the services need; partitions change via their parent."""
    if table == REVISIONS:
        return {"SELECT"}
    if is_part or table in append_only:
        return {"SELECT", "INSERT"}
    return {"SELECT", "INSERT", "UPDATE", "DELETE"}


def _granted(table: str, role: str, rights: Iterable[str]) -> list[str]:
    said = ", ".join(sorted(rights))
    return [f"GRANT {said} ON {table} TO {role}"] if said else []


def _taken(table: str, role: str, rights: Iterable[str]) -> list[str]:
    said = ", ".join(sorted(rights))
    return [f"REVOKE {said} ON {table} FROM {role}"] if said else []


# Effective rights, whether as owner, through membership in a role, or through PUBLIC.
_MAY_CHANGE = DriverStatement("""
SELECT c.relname FROM pg_class AS c
LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
LEFT JOIN pg_class AS p ON p.oid = i.inhparent
WHERE c.relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)
    AND c.relkind IN ('r', 'p')
    AND coalesce(p.relname, c.relname) = ANY(CAST(:tables AS text[]))
    AND has_table_privilege(CAST(:role AS text), c.oid, 'UPDATE, DELETE, TRUNCATE')
ORDER BY c.relname
""")


async def may_change(
    connection: asyncpg.Connection, name: str, append_only: Collection[str]
) -> list[str]:
    """Return the append-only tables whose rows a role could change."""
    asked = {"role": name, "tables": sorted(append_only)}
    return [row["relname"] for row in await connection.fetch(*_MAY_CHANGE.bind(asked))]


async def own_name(connection: asyncpg.Connection) -> str:
    """Return the role that a connection acts as."""
    return str(await connection.fetchval("SELECT CAST(current_user AS text)"))


async def _check(connection: asyncpg.Connection, name: str, append_only: Collection[str]) -> None:
    found = await may_change(connection, name, append_only)
    if found:
        raise RoleUnfit(
            f"the role {_quoted(name)} may change rows of {', '.join(found)} through PUBLIC or a"
            " role that it is a member of: take that away, then migrate again"
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _verifier(password: str) -> str:
    """Return the verifier that the server stores for a password (SCRAM-SHA-256, RFC 5803).

    So the password itself appears in no statement, and in no log of statements.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    words = (base64.b64encode(one).decode() for one in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *words)
