"""The SQL statements of observations: each handles all rows of a call, however many there are."""

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from services.core.events.statements import event_inserts
from services.core.kit.database import columns_of
from services.core.observations.models import Observation

PRESENT = columns_of(Observation, "o")
"""Every column of `observation AS o`."""

KNOWN = text(f"""
SELECT w.place, h.after AS said, {PRESENT}
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]),
    CAST(:references AS text[])) WITH ORDINALITY
    AS w(indicator_code, organization_code, period, reference, place)
JOIN observation AS o ON o.city_code = :city AND o.plan_code = :plan
    AND o.indicator_code = w.indicator_code AND o.organization_code = w.organization_code
    AND o.period = w.period AND o.source_code = :source
LEFT JOIN observation_history AS h ON h.city_code = :city AND h.observation_id = o.id
    AND h.reference = w.reference
""").columns(said=JSONB, recorded_by=JSONB)  # noqa: S608 (column names of our own)
"""A source's figures in some slots, numbered by their index in the arrays from 1, and its figures
under the given references."""

WRITE = text("""
INSERT INTO observation (city_code, id, plan_code, source_code, indicator_code, organization_code,
    period, reference, value, numerator, denominator, level, not_applicable_reason, observed_at,
    note, recorded_by, recorded_by_organization, recording_units, created_at, updated_at, version)
SELECT CAST(:city AS text), w.id, CAST(:plan AS text), CAST(:source AS text), w.indicator_code,
    w.organization_code, w.period, w.reference, w.value, w.numerator, w.denominator, w.level,
    w.not_applicable_reason, w.observed_at, w.note, CAST(:actor AS jsonb), CAST(:unit AS text),
    array_remove(ARRAY[CAST(:unit AS text)], NULL), w.created_at,
    CAST(:now AS timestamptz), w.version
FROM unnest(CAST(:id AS uuid[]), CAST(:indicator_code AS text[]),
    CAST(:organization_code AS text[]), CAST(:period AS text[]), CAST(:reference AS text[]),
    CAST(:value AS numeric[]), CAST(:numerator AS numeric[]), CAST(:denominator AS numeric[]),
    CAST(:level AS text[]), CAST(:not_applicable_reason AS text[]),
    CAST(:observed_at AS timestamptz[]), CAST(:note AS text[]), CAST(:created_at AS timestamptz[]),
    CAST(:version AS integer[]))
    AS w(id, indicator_code, organization_code, period, reference, value, numerator, denominator,
        level, not_applicable_reason, observed_at, note, created_at, version)
ON CONFLICT (city_code, plan_code, indicator_code, organization_code, period, source_code)
DO UPDATE SET reference = excluded.reference, value = excluded.value,
    numerator = excluded.numerator, denominator = excluded.denominator, level = excluded.level,
    not_applicable_reason = excluded.not_applicable_reason, observed_at = excluded.observed_at,
    note = excluded.note, recorded_by = excluded.recorded_by,
    recorded_by_organization = excluded.recorded_by_organization,
    -- A process of the previous release left it empty.
    recording_units = coalesce(observation.recording_units,
            array_remove(ARRAY[observation.recorded_by_organization], NULL))
        || CASE WHEN excluded.recorded_by_organization = ANY(observation.recording_units)
            THEN '{}' ELSE excluded.recording_units END,
    updated_at = excluded.updated_at, version = excluded.version, withdrawn_version = NULL,
    withdrawal_reason = NULL
""")
"""Writes a source's present figures. Its writers are serialised by the source's lock."""

REMEMBER = text(f"""
WITH written AS MATERIALIZED (
    SELECT w.* FROM unnest(CAST(:id AS uuid[]), CAST(:version AS integer[]),
        CAST(:reference AS text[]), CAST(:action AS text[]), CAST(:image AS text[]),
        CAST(:organization_code AS text[]), CAST(:event_id AS uuid[]), CAST(:event_data AS text[]))
        AS w(id, version, reference, action, image, organization_code, event_id, event_data)
), remembered AS (
    INSERT INTO observation_history
        (city_code, observation_id, version, reference, action, after, actor, occurred_at)
    SELECT CAST(:city AS text), id, version, reference, action, CAST(image AS jsonb),
        CAST(:actor AS jsonb), CAST(:now AS timestamptz)
    FROM written
), {
    event_inserts(
        "written",
        city_code="CAST(:city AS text)",
        id="event_id",
        plan_code="CAST(:plan AS text)",
        type="'observation.' || action",
        subject_kind="'observation'",
        subject_id="CAST(written.id AS text)",
        organization_code="organization_code",
        actor="CAST(:actor AS jsonb)",
        data="CAST(event_data AS jsonb)",
        occurred_at="CAST(:now AS timestamptz)",
    )
}
SELECT count(*) FROM happened
""")  # noqa: S608 (text of our own)
"""Writes history and event of each written figure."""

AT_PLACES = text("""
SELECT o.id
FROM unnest(CAST(:indicators AS text[]), CAST(:units AS text[]), CAST(:periods AS text[]))
    AS w(indicator_code, organization_code, period)
JOIN observation AS o ON o.city_code = :city AND o.plan_code = :plan
    AND o.indicator_code = w.indicator_code AND o.organization_code = w.organization_code
    AND o.period = w.period
ORDER BY o.id
""")
"""The observations in some slots."""
