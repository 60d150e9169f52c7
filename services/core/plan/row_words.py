"""Descriptions of the members of a register that govern the life cycle of its rows. Pure."""

from collections.abc import Mapping

ROW_WORDS: Mapping[str, Mapping[str, str]] = {
    "QuotaNumber": {
        "year": "By the end of which year of the plan",
        "choice": "Code of the category: a choice of the column",
        "unit": "Code of the unit that keeps the rows; null: the city",
        "wanted": "How many there are to be",
    },
    "RowQuota": {
        "by": "Code of the column of the type `choice` with the category",
        "measure": "Code of the measure, a count, that says which rows count",
        "over": "What becomes of a row beyond: it is told, or not confirmed",
        "numbers": "How many are wanted; none: they were not assigned yet",
    },
    "RowRenewal": {"same": "Code of the column by which a later row takes a row's place"},
    "RowEvidence": {
        "name": "What is to be shown, such as a letter of commitment",
        "min_files": "How many files there must be at least",
        "types": "The kinds that count; null: each that is taken",
        "state": "What a row does not become without them",
        "where": "What a row says that is to have them; none: every row",
    },
}
