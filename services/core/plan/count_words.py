"""Descriptions of the members of surveys, conditions and row checks, for the JSON schema."""

from collections.abc import Mapping

COUNT_WORDS: Mapping[str, Mapping[str, str]] = {
    "RowCondition": {
        "column": "Code of the column",
        "any_of": "The texts or codes of which it says one; none: any",
        "yes": "What a `yes_no` says; null: either",
        "filled": "Whether it says anything; null: either",
        "minimum": "The least number; null: any",
        "maximum": "The greatest number; null: any",
        "by_period_end": "Whether its day is not after the end of the period; null: either",
    },
    "RowEvidence": {
        "name": "What is to be shown, such as a letter of commitment",
        "min_files": "How many files there must be at least",
        "types": "The kinds that count; null: each that is taken",
        "state": "What a row does not become without them",
        "where": "What a row says that is to have them; none: every row",
    },
    "MeasureDenominator": {
        "listed_in": "Of a coverage: code of the register that lists all there are",
        "match": "Of a coverage: code of its column whose values are looked for",
        "column": "Of a ratio: code of the column that is added up; null: rows are counted",
        "where": "What its rows must say",
    },
    "SurveyRule": {
        "answers": "Code of the column that says how many valid answers there were",
        "group": "Code of the column by which answers are taken apart; null: they are not",
        "frame": "Code of the column with the size of a group's population; null: none",
        "least": "With fewer answers there is no share",
        "least_in_group": "With fewer answers of a group there is no share",
        "confidence": "The confidence of the interval, in per cent",
    },
    "RowTerm": {
        "column": "Code of a column; null: a constant",
        "constant": "A number; null: a column",
        "times": "What it is multiplied by",
        "at": "In this row, in that of the month before, or over twelve months with this one",
        "summed_in": "Code of the register whose rows with the same key it is added up over",
    },
    "RowCheck": {
        "left": "What is added up on the left",
        "operator": "How the left stands to the right",
        "right": "What is added up on the right",
        "importance": "Whether a row that breaks it is kept out, or only found fault with",
    },
}
