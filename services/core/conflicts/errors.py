"""Errors about conflicts, whatever they are over."""

from services.core.kit.errors import TransitionRefused


class ConflictDecided(TransitionRefused):
    """The conflict was decided before, or is none any more."""
