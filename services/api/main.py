"""The FastAPI application: its routes, its open resources, and its contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import Lifespan
from typing_extensions import override

from services.api import health, problems
from services.api.access_record import AccessRecord
from services.api.agenda import file_routes as calendar_files
from services.api.agenda import routes as agenda
from services.api.alerts import late_routes
from services.api.alerts import routes as alerts
from services.api.alerts import rule_routes as alert_rules
from services.api.assessments import appeal_routes as appeals
from services.api.assessments import batch_routes as assessment_batches
from services.api.assessments import commendation_routes as commendations
from services.api.assessments import finding_routes as assessment_findings
from services.api.assessments import form_routes as assessment_forms
from services.api.assessments import ranking_routes as assessment_rankings
from services.api.assessments import routes as assessments
from services.api.assessments import verb_routes as assessment_verbs
from services.api.audit import routes as audit
from services.api.board import link_routes as board_links
from services.api.board import page_routes as board_pages
from services.api.board import paper_routes as board_papers
from services.api.board import sign_in_routes as board_sign_in
from services.api.board import work_routes as board_work
from services.api.board.visitors import Links
from services.api.browsers import readable_by
from services.api.calendars import routes as calendars
from services.api.connectors import item_routes as connector_items
from services.api.connectors import routes as connectors
from services.api.context import Resources
from services.api.contract.document import contract_of
from services.api.docs_routes import install_docs
from services.api.doorbell import Doorbell
from services.api.evidence import archive_routes as evidence_archives
from services.api.evidence import item_routes as evidence_items
from services.api.evidence import routes as evidence
from services.api.evidence import row_routes as evidence_of_rows
from services.api.feed import routes as feed
from services.api.foreign_tokens import ForeignTokens
from services.api.gateways import catalog_routes as catalog
from services.api.gateways import facade_routes as facade
from services.api.gateways import routes as partners
from services.api.gateways.facade import operations_of
from services.api.identity import routes as identity
from services.api.identity import token_routes
from services.api.imports import form_routes as forms
from services.api.imports import register_routes as register_sheets
from services.api.imports import routes as imports
from services.api.imports import template_routes as templates
from services.api.limiting import open_limits
from services.api.log_listener import LogListener
from services.api.middleware import Envelope
from services.api.milestones import conflict_routes as milestone_conflicts
from services.api.milestones import extension_routes as extensions
from services.api.milestones import progress_routes as progress
from services.api.milestones import routes as milestones
from services.api.milestones import verb_routes as milestone_verbs
from services.api.obligations import reminder_routes as reminders
from services.api.obligations import routes as obligations
from services.api.observations import routes as observations
from services.api.open_replicas import open_reads
from services.api.operations import routes as operations
from services.api.papers import routes as papers
from services.api.papers import signing_key_routes as signing_keys
from services.api.papers import text_routes as paper_texts
from services.api.people import post_routes as posts
from services.api.people import provider_routes as providers
from services.api.people import routes as users
from services.api.people import session_routes as sessions
from services.api.people import sign_in_routes as sign_ins
from services.api.plan import decision_routes as decisions
from services.api.plan import period_routes as periods
from services.api.plan import routes as plan
from services.api.plan_cache import PlanCache
from services.api.registers import conflict_routes as register_row_conflicts
from services.api.registers import measure_routes as register_measures
from services.api.registers import routes as registers
from services.api.registers import verb_routes as register_verbs
from services.api.response_cache import ResponseCache
from services.api.routing import ExactRoute
from services.api.scoring import change_routes as changes
from services.api.scoring import comparison_routes as comparison
from services.api.scoring import indicator_routes as indicator_scores
from services.api.scoring import publication_routes as publications
from services.api.scoring import ranking_routes as rankings
from services.api.scoring import routes as scoring
from services.api.scoring import table_routes as indicator_table
from services.api.security import Keys
from services.api.settings import ApiSettings
from services.api.signed_calls import Partners
from services.api.submissions import batch_routes as batch
from services.api.submissions import bulk_routes as bulk
from services.api.submissions import check_routes as checks
from services.api.submissions import conflict_routes as conflicts
from services.api.submissions import review_routes as review
from services.api.submissions import routes as submissions
from services.api.sync import routes as sync_routes
from services.api.table_forms import LISTS
from services.api.tokens import Tokens
from services.api.webhooks import delivery_routes as deliveries
from services.api.webhooks import routes as webhooks
from services.api.write_health import WriteHealth
from services.core.kit.database import Database, connect
from services.core.kit.garbage import collect_seldom
from services.core.kit.process_metrics import tell_of_connections
from services.core.kit.schema import require_current
from services.core.kit.span_sending import span_export
from services.core.kit.tasks import end
from services.core.people.hashing import Hasher
from services.core.people.provider_reception import ProviderReception
from services.core.people.provider_tokens import AppTokens
from services.core.people.signing_in import Reception
from services.outgoing.asking import Asker

if TYPE_CHECKING:
    from services.core.kit.span_export import SpanExport

# The busiest routes come first, because they are matched in order.
_NAME_PATIENCE = timedelta(seconds=5)
"""Lock timeout, for example on a register while an import is written to it.

A waiting request holds a connection. Two rounds of such requests, one for each connection, are over
before others give up waiting for a connection, after 15 s.
"""

_ROUTERS = (
    scoring.kept_router,
    submissions.router,
    indicator_scores.router,
    publications.router,
    indicator_table.router,
    comparison.router,
    rankings.router,
    changes.router,
    batch.router,
    bulk.router,
    review.router,
    checks.router,
    milestones.router,
    milestone_verbs.router,
    milestone_conflicts.router,
    extensions.router,
    progress.router,  # before plan: `tasks/progress` is no task
    plan.router,
    decisions.router,
    periods.router,
    obligations.router,
    reminders.router,
    conflicts.router,
    observations.router,
    registers.router,
    register_verbs.router,
    register_row_conflicts.router,
    assessments.router,
    assessment_batches.router,
    assessment_forms.router,
    assessment_findings.router,
    assessment_verbs.router,
    appeals.router,
    assessment_rankings.router,
    commendations.router,
    register_measures.router,
    register_sheets.router,
    sync_routes.router,
    calendars.router,
    feed.router,
    alerts.router,
    alert_rules.router,
    late_routes.router,
    webhooks.router,
    deliveries.router,
    operations.router,
    templates.router,
    imports.router,
    forms.router,
    evidence.router,
    evidence_of_rows.router,
    evidence_items.router,
    evidence_archives.router,
    papers.router,
    paper_texts.router,
    agenda.router,
    audit.router,
    board_links.router,
    identity.router,
    token_routes.router,
    signing_keys.router,
    partners.router,
    catalog.router,
    facade.router,
    connectors.router,
    connector_items.router,
    users.router,
    posts.router,
    sessions.router,
    sign_ins.router,
    providers.router,
)


class Application(FastAPI):
    """FastAPI with our contract, served under `prefix`."""

    prefix = ""

    @override
    def openapi(self) -> dict[str, object]:
        """Return the contract."""
        if self.openapi_schema is None:
            contract = contract_of(self, _ROUTERS)
            if self.prefix:
                contract["servers"] = [{**contract["servers"][0], "url": self.prefix}]
            self.openapi_schema = contract
        return self.openapi_schema


def create_app(
    settings: ApiSettings | None = None,
    *,
    traces: "AbstractContextManager[SpanExport | None] | None" = None,
) -> FastAPI:
    """Return the application of one process; it refuses to start on an old schema.

    `traces` are exported as the settings say, unless given.
    """
    chosen = settings or ApiSettings()
    exported = traces or span_export("api", sends=chosen.sends_spans)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        dsn = chosen.database_url.get_secret_value()
        redis_url = chosen.redis_url.get_secret_value() if chosen.redis_url else None
        async with AsyncExitStack() as opened:
            database = await opened.enter_async_context(
                connect(
                    dsn,
                    size=chosen.database_connections,
                    application_name="wufei-api",
                    name_patience=_NAME_PATIENCE,
                )
            )
            await require_current(database.engine)
            tell_of_connections(database, chosen.database_connections)
            reads = await opened.enter_async_context(open_reads(database, chosen))
            limits = await opened.enter_async_context(
                open_limits(chosen, redis_url, chosen.clock.true_now)
            )
            watch, doorbell = LogListener(chosen.notices_url), Doorbell(redis_url)
            tokens = Tokens(
                database,
                chosen.seal,
                chosen.clock.true_now,
                issuer=chosen.public_url,
                shown_issuer=chosen.public_url or chosen.own_url,
                life=timedelta(seconds=chosen.token_seconds),
            )
            foreign = ForeignTokens(database, chosen.issuers, chosen.clock.true_now)
            access = AccessRecord(chosen.clock.true_now)
            by_app = await opened.enter_async_context(_by_app(database, chosen))
            keys = Keys(database, chosen.clock.true_now, tokens, foreign)
            callers = Partners(database, keys.acting_as, chosen.seal, chosen.clock.true_now, limits)
            app.state.resources = Resources(
                database=database,
                reads=reads,
                clock=chosen.clock,
                keys=keys,
                tokens=tokens,
                partners=callers,
                plans=PlanCache(database, watch),
                answers=ResponseCache(watch),
                watch=watch,
                doorbell=doorbell,
                seal=chosen.seal,
                files=chosen.file_store,
                webhook_addresses=chosen.webhook_addresses,
                feed_kept=chosen.feed_kept,
                writes=WriteHealth(),
                limits=limits,
                access=access,
                reception=by_app.reception,
                providers=by_app,
                separated=chosen.separated_administrators,
            )
            app.state.board_links = Links(database, chosen.clock.true_now)
            background = [
                asyncio.create_task(work)
                for work in (
                    watch.run(),
                    doorbell.run(),
                    keys.note_uses(),
                    callers.note_uses(),
                    access.run(database),
                )
            ]
            collect_seldom()
            try:
                with exported:
                    yield
            finally:
                await end(*background)
                await access.write_last(database)

    app = _application(
        lifespan, root_path=chosen.root_path, traces=exported, shows_docs=chosen.shows_docs
    )
    if chosen.origins:
        app.add_middleware(readable_by, origins=chosen.origins)
    return app


@asynccontextmanager
async def _by_app(database: Database, settings: ApiSettings) -> AsyncIterator[ProviderReception]:
    """Yield the sign-in by government apps and by passwords."""
    hasher = Hasher(threads=settings.sign_in_threads, queue=settings.sign_in_queue)
    seal, clock = settings.seal, settings.clock
    asker = Asker(settings.webhook_addresses, ca_file=settings.webhook_ca_file)
    tokens = None if seal is None else AppTokens(database, seal, clock.true_now)
    reception = Reception(database, hasher, seal, settings.session_policy, clock)
    try:
        yield ProviderReception(reception, asker.ask, tokens)
    finally:
        hasher.close()
        await asker.close()


def create_contract_app() -> FastAPI:
    """Return the application without any resources, to build its contract only."""
    return _application(None)


def _telemetry(traces: object) -> TelemetryConfig:
    """Return FastAPI's own telemetry settings: spans, if they are exported.

    Metrics and logs are ours, and health checks are not traced.
    """
    provider = getattr(traces, "provider", None)
    return {
        "tracer_provider": provider,
        "tracing": provider is not None,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "exclude": lambda scope: scope["path"].endswith(_UNTRACED),
    }


_UNTRACED = ("/healthz", "/readyz", "/metrics")


def _application(
    lifespan: Lifespan[FastAPI] | None,
    *,
    root_path: str = "",
    traces: object = None,
    shows_docs: bool = True,
) -> FastAPI:
    app = Application(
        title="Wufei",
        version="1.0.0",
        summary="The ledger under a zero-waste city's plan",
        lifespan=lifespan,
        telemetry=_telemetry(traces),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.prefix = root_path
    app.add_middleware(Envelope, prefix=root_path)
    problems.install(app)
    # Routes are matched in order; an included router would be matched as a whole before its routes.
    for router in (*_ROUTERS[:1], board_pages.hot_router, *_ROUTERS[1:]):
        app.router.routes.extend(router.routes)
    routes = [one for one in app.router.routes if isinstance(one, ExactRoute)]
    app.state.facade = operations_of(routes)
    setattr(app.state, LISTS, [one.path_regex for one in routes if one.export is not None])
    app.include_router(calendar_files.router)
    app.include_router(evidence_items.links_router)
    app.include_router(health.router)
    for pages in (board_pages, board_sign_in, board_work, board_papers):
        app.router.routes.extend(pages.router.routes)
    if shows_docs:
        install_docs(app, prefix=root_path)
    return app
