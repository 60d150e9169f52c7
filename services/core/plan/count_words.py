"""What the members of surveys and of checks on rows mean, for the JSON schema of plans."""

from collections.abc import Mapping

COUNT_WORDS: Mapping[str, Mapping[str, str]] = {
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
