"""Serialises queue messages as JSON and never as pickle, so that no message can run code."""

from typing import Any

from pydantic_core import from_json, to_json


def serialize(message: dict[str, Any]) -> bytes:
    """Return a message as JSON; values without a JSON form, such as errors, become text."""
    return to_json(message, fallback=str)


def deserialize(message: bytes) -> dict[str, Any]:
    """Return the message that a JSON text holds."""
    found: dict[str, Any] = from_json(message)
    return found
