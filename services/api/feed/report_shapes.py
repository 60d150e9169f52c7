"""Schemas of the data of events about reporting to superiors."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict


def _said(text: str) -> Any:
    return Field(description=text)


_Unit = Annotated[str, _said("Code of the organization that it concerns")]
_Period = Annotated[str, _said("`2025`, `2025-H1`, `2025-Q3` or `2025-09`")]


class ConnectorData(TypedDict):
    """Something of where figures are reported."""

    connector_id: Annotated[str, _said("Id of the connector")]
    name: Annotated[str, _said("Whose platform it is")]


class ConnectorChangedData(ConnectorData):
    """Where figures are reported was made, set or opened: what is queued is compared anew."""

    change: Annotated[str, _said("`created`, `changed`, `secret_changed`, `enabled` or `ended`")]
    state: Annotated[str, _said("Its state after that")]


class ConnectorFailingData(ConnectorData):
    """No request to a superior has come through for long."""

    percent: Annotated[int, _said("How much of the time until it is disabled is over: 50, 70, 90")]
    failing_since: Annotated[datetime | None, _said("Since when nothing has come through")]
    consecutive_failures: Annotated[int, _said("How many attempts failed since")]


class ConnectorSecretRefusedData(ConnectorData):
    """A superior takes the former secret yet, and not the present one."""

    refused_since: Annotated[datetime, _said("Since when it was seen to refuse the present one")]
    former_secret_expires_at: Annotated[
        datetime, _said("From when on nothing is taken, unless the present one is by then")
    ]


class ConnectorDisabledData(ConnectorData):
    """Nothing is reported to a superior any more."""

    reason: Annotated[str, _said("`gone`, `failing` or `manual`")]
    percent: Annotated[int, _said("100 where it failed too long")]
    failing_since: Annotated[datetime | None, _said("Since when nothing came through")]
    consecutive_failures: Annotated[int, _said("How many attempts failed since")]


class ReportedItemData(ConnectorData):
    """What a superior said of a figure."""

    indicator_code: Annotated[str, _said("Code of the indicator")]
    organization_code: _Unit
    period: _Period
    submission_id: Annotated[str, _said("Id of the submission")]
    revision: Annotated[int, _said("Its revision")]


class ReportRefusedData(ReportedItemData):
    """A superior refused a figure."""

    refusal_code: Annotated[str, _said("Our code of the refusal; `refused`: the mapping has none")]
    their_code: Annotated[str | None, _said("The superior's code")]
    their_words: Annotated[str | None, _said("The superior's words")]
    message: Annotated[str | None, _said("What the mapping says of it in Chinese")]
    message_en: Annotated[str | None, _said("What the mapping says of it in English")]


class ReportDifferingData(ReportedItemData):
    """What a superior says differs from what it was told, or from what it said before."""

    what: Annotated[str, _said("`figure`, or `receipt`: a second one says another thing")]
    ours: Annotated[str | None, _said("What we told, or the first receipt")]
    theirs: Annotated[str | None, _said("What they say now")]
