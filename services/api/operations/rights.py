"""Authorises operations: only for the caller that started one, with the scopes it needed then."""

from collections.abc import Iterable, Mapping

from services.core.evidence.archives.service import ARCHIVE
from services.core.identity.actor import Actor
from services.core.identity.errors import not_permitted
from services.core.identity.rules import Permission
from services.core.imports.service import CHECK, WRITE, permissions_of
from services.core.kit.operations import Operation
from services.core.papers.service import PAPER
from services.core.webhooks.recovery import KIND as REPLAY

STARTED_WITH: Mapping[str, tuple[Permission, ...]] = {
    CHECK: permissions_of("indicators"),
    WRITE: permissions_of("indicators"),
    REPLAY: (Permission.MANAGE_WEBHOOKS, Permission.READ_EVENTS),
    PAPER: (Permission.MAKE_PAPERS,),
    ARCHIVE: (Permission.ARCHIVE_EVIDENCE,),
}
"""The permissions to start each kind of work; an import of progress needs more."""


def check_right(actor: Actor, operation: Operation) -> None:
    """Admit a caller who could start this work now: a token may have fewer scopes than its key.

    Raises:
        Forbidden: the caller lacks a scope.
    """
    needed = STARTED_WITH[operation.kind]
    if operation.kind in {CHECK, WRITE}:
        needed = permissions_of(operation.request.get("form"))
    check_permissions(actor, needed)


def check_permissions(actor: Actor, needed: Iterable[Permission]) -> None:
    """Admit a caller with all of these permissions.

    Raises:
        Forbidden: one is missing; the first missing one is named.
    """
    for permission in needed:
        if not actor.may(permission):
            raise not_permitted(actor, permission)
