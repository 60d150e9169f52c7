"""The contract as the docs page shows it, with what it says of its operations in Chinese.

Names, and the descriptions of members, stay as the contract has them.
"""

import re
from typing import Any

from services.api.contract import chinese
from services.api.contract.chinese_details import ASKED, DETAILS
from services.api.contract.viewer import EXAMPLE_IN_WORDS, METHODS

_NOTES = (
    (re.compile(r"Public: no credential is needed\."), "公开：不需要凭据。"),
    (re.compile(r"The token in the address is the credential\."), "地址中的密钥即是凭据。"),
    (re.compile(r"Any valid credential will do\."), "任何有效的凭据都可以。"),
    (re.compile(r"Roles: (.*)\. Scope: (.*)\."), r"角色：\1。权限范围：\2。"),
)
"""What the contract's writer says last of an operation: who may call it."""


def in_chinese(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what the viewer shows, put into Chinese; `shown` itself is changed.

    Raises:
        KeyError: something has no words in Chinese.
    """
    shown["info"]["description"] = chinese.DESCRIPTION
    for tag in shown["tags"]:
        tag["description"] = chinese.TAGS[tag["name"]][1]
        tag["name"] = _tag(tag["name"])
    for operations in shown["paths"].values():
        for method in METHODS & operations.keys():
            _translate(operations[method])
    components = shown["components"]
    for kind, words in (
        ("parameters", chinese.PARAMETERS),
        ("responses", chinese.RESPONSES),
        ("securitySchemes", chinese.SECURITY),
    ):
        for name, one in components[kind].items():
            one["description"] = words[name]
    for refusal in components["responses"].values():
        for media in refusal.get("content", {}).values():
            for example in media["examples"].values():
                example["summary"] = example["value"]["title"]
    shown["servers"][0]["description"] = "读取本说明的地址"
    return shown


def _tag(name: str) -> str:
    return f"{chinese.TAGS[name][0]} {name}"


def _translate(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    summary = chinese.SUMMARIES[name]
    _, *more, note = operation["description"].split("\n\n")
    details = [DETAILS[name]] if more else []
    operation["summary"] = summary
    operation["tags"] = [_tag(name) for name in operation["tags"]]
    operation["description"] = "\n\n".join([f"{summary}。", _note(note), *details])
    for parameter in operation.get("parameters", []):
        if "description" in parameter:
            parameter["description"] = _asked(parameter["description"])


def _asked(said: str) -> str:
    """Return what a parameter means, with the example that the viewer's words end in."""
    words, such_as, example = said.partition(EXAMPLE_IN_WORDS)
    return f"{ASKED[words]}（如 {example.removesuffix(')')}）" if such_as else ASKED[words]


def _note(said: str) -> str:
    for form, words in _NOTES:
        if form.fullmatch(said):
            return form.sub(words, said)
    raise KeyError(said)
