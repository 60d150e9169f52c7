"""Pydantic schemas of papers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.api.actors import ActorOut, actor_fields
from services.api.contract.choices import one_of
from services.api.paging import PageOut, ScopedPageOut
from services.api.scoring.schemas import ContributionOut
from services.core.kit.said import CodeIn, Said, Title, Words
from services.core.papers.figures import FigureMoved, PaperFigure
from services.core.papers.making import FORMATS, code_of
from services.core.papers.models import Paper, PaperTexts
from services.core.papers.office_texts import DEFAULT_TEXTS
from services.core.papers.paper_kinds import KINDS, AboutKind, PaperKind
from services.core.plan.written import Day

_KINDS: Sequence[str] = tuple(KINDS)
_FORMATS: Sequence[str] = tuple(FORMATS)


class PaperAboutIn(Said):
    """What a paper is about."""

    kind: AboutKind = Field(description="What it is")
    id: CodeIn = Field(description="Its code or its id")


class PaperIn(Said):
    """Which paper is to be made, and what it is to say that the ledger does not know."""

    kind: PaperKind = Field(description="What kind of paper it is")
    period: CodeIn | None = Field(
        default=None,
        description="Of which period; default: the plan's last target year. A form of one matter is"
        " of none",
    )
    about: PaperAboutIn | None = Field(
        default=None,
        description="Of `special` the group or the indicator that it reports on; of `supervision`"
        " and `feedback` the one matter: a milestone, an obligation or an alert. Others are about"
        " the whole plan",
    )
    publication: int | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="Of the scoreboard that was published under this number; default: the newest",
    )
    position: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        description="Of the scoreboard as it was up to this place in the log; default: the newest",
    )
    document_number: Title | None = Field(
        default=None,
        description="The number of the document (文号) that is printed; default: left blank",
    )
    issued_on: Day | None = Field(
        default=None, description="The date that is printed; default: left blank"
    )


class PaperFileOut(BaseModel):
    """A paper in one format."""

    format: Annotated[str, one_of(_FORMATS)] = Field(description="Its format")
    size: int = Field(description="Its length in bytes")
    sha256: str = Field(description="Its SHA-256 digest, in hexadecimal; also its `ETag`")
    path: str = Field(description="Where it is had")


class PaperOut(BaseModel):
    """A paper that was made. It never changes."""

    id: UUID = Field(description="Its id, for good")
    plan: str = Field(description="Code of the plan")
    kind: Annotated[str, one_of(_KINDS)] = Field(description="What kind of paper it is")
    year: int = Field(description="The year that its number counts in")
    number: int = Field(
        description="Counts the papers of the plan, kind and year, from 1, as they were made"
    )
    title: str = Field(description="What it is called")
    period: str | None = Field(description="Of which period; null: of none")
    about: str | None = Field(description="The one matter that it is about; null: of none")
    organization_code: str | None = Field(
        description="The unit that it is about; null: it is about the whole plan"
    )
    as_of: date = Field(description="The local date that its figures are of")
    position: int = Field(description="Up to where in the log its figures count")
    code: str = Field(description="The code printed in it, by which it is found again")
    digest: str = Field(
        description="SHA-256 of all that it says, in hexadecimal: the same for the same paper"
    )
    figures: int = Field(description="How many figures it prints")
    files: list[PaperFileOut] = Field(description="The formats that it was made in")
    made_by: ActorOut = Field(description="Who asked for it")
    made_at: datetime = Field(description="When it was made")


class PaperListOut(ScopedPageOut[PaperOut]):
    """Papers, the newest first."""


class PaperFigureOut(BaseModel):
    """A figure as a paper prints it."""

    number: int = Field(description="The number beside it in the paper")
    key: str = Field(description="What it is, the same in every paper of the kind")
    label: str = Field(description="What it is of, in words")
    shown: str = Field(description="What stands in the paper")
    facts: dict[str, str | None] = Field(
        description="What it says, by name: exact; null: there is nothing to say"
    )
    period: str = Field(description="The period that it is of")
    indicator_code: str | None = Field(
        description="The indicator that it is of; null: it is counted or added from others"
    )
    rests_on: list[int] = Field(description="The numbers of the figures that it is made of")


class PaperFigureListOut(PageOut[PaperFigureOut]):
    """The figures of a paper, by number."""


class PaperTraceOut(PaperFigureOut):
    """A figure with where it comes from."""

    paper_id: UUID = Field(description="The paper that prints it")
    position: int = Field(description="Up to where in the log the values count that it rests on")
    score_path: str | None = Field(
        description="Where the score that it is of is explained step by step; null: it is of none"
    )
    submissions: list[ContributionOut] = Field(
        description="Of an indicator the reported values it rests on, by period and unit"
    )
    submissions_outside_scope: int = Field(
        description="How many more there are, which the caller does not see"
    )


class FigureMovedOut(BaseModel):
    """A figure that says today something else than the paper."""

    number: int = Field(description="The number beside it in the paper")
    key: str = Field(description="What it is, the same in every paper of the kind")
    label: str = Field(description="What it is of, in words")
    shown: str = Field(description="What stands in the paper")
    shown_now: str | None = Field(description="What would stand there now; null: it is no more")
    facts: dict[str, str | None] = Field(description="What it said, by name: exact")
    facts_now: dict[str, str | None] | None = Field(
        description="What it says now, by name: exact; null: it is no more"
    )


class PaperMovedOut(BaseModel):
    """What moved since a paper was made."""

    paper_id: UUID = Field(description="The paper")
    position: int = Field(description="Up to where in the log its figures count")
    position_now: int | None = Field(
        description="Up to where in the log those of now count; null: its subject is no more"
    )
    items: list[FigureMovedOut] = Field(
        description="Every figure that moved, in the order of the paper; none: all stand"
    )
    next_page_token: str | None = Field(description="Always null: the list is whole")


def paper_fields(paper: Paper, files: Sequence[tuple[str, int, str]]) -> dict[str, Any]:
    """Return a finished paper; `files` are its formats with length and digest."""
    return {
        "id": paper.id,
        "plan": paper.plan_code,
        "kind": paper.kind,
        "year": paper.year,
        "number": paper.number,
        "title": paper.title,
        "period": paper.period,
        "about": paper.about,
        "organization_code": paper.organization_code,
        "as_of": paper.as_of,
        "position": paper.position,
        "code": code_of(paper.digest or ""),
        "digest": paper.digest,
        "figures": paper.figure_count,
        "files": [
            {
                "format": form,
                "size": size,
                "sha256": sha256,
                "path": f"/v1/papers/{paper.id}/content/{form}",
            }
            for form, size, sha256 in files
        ],
        "made_by": actor_fields(paper.made_by),
        "made_at": paper.updated_at,
    }


def figure_fields(figure: PaperFigure) -> dict[str, Any]:
    """Return a figure in its printed form."""
    return {
        "number": figure.number,
        "key": figure.key,
        "label": figure.label,
        "shown": figure.shown,
        "facts": dict(figure.facts),
        "period": figure.period,
        "indicator_code": figure.indicator,
        "rests_on": list(figure.rests_on),
    }


def moved_fields(one: FigureMoved) -> dict[str, Any]:
    """Return a figure that changed."""
    printed, now = one.printed, one.now
    return {
        "number": printed.number,
        "key": printed.key,
        "label": printed.label,
        "shown": printed.shown,
        "shown_now": None if now is None else now.shown,
        "facts": dict(printed.facts),
        "facts_now": None if now is None else dict(now.facts),
    }


class PaperTextsIn(Said):
    """The office's own texts of a kind of paper; those left out are as papers come with them."""

    texts: dict[str, Words] = Field(
        max_length=20,
        description="By name, as the texts in force have them. `{城市}`, `{计划}`, `{期间}` and"
        " `{截至}` are filled in, and nothing else stands in braces; lines are paragraphs",
    )


class PaperTextsOut(BaseModel):
    """The texts of a kind of paper that are in force."""

    plan: str = Field(description="Code of the plan")
    kind: Annotated[str, one_of(_KINDS)] = Field(description="What kind of paper it is")
    version: int = Field(description="How often they were changed; 0: they are as papers come")
    texts: dict[str, str] = Field(description="Each text by its name")
    changed_at: datetime | None = Field(description="When they were changed; null: never")
    changed_by: ActorOut | None = Field(description="Who changed them; null: nobody")


def texts_out(plan: str, kind: PaperKind, own: PaperTexts | None) -> PaperTextsOut:
    """Return the texts in force for a kind of paper."""
    return PaperTextsOut.model_validate(
        {
            "plan": plan,
            "kind": kind,
            "version": 0 if own is None else own.version,
            "texts": {**DEFAULT_TEXTS[kind], **({} if own is None else own.texts)},
            "changed_at": None if own is None else own.changed_at,
            "changed_by": None if own is None else actor_fields(own.changed_by),
        }
    )
