"""The one composition root: settings become an app. Everything that is shared is made here, once, and closed here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.routing import Mount
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from agent.context.gathering import Contexts
from agent.context.memories import Memories
from agent.context.shelf import MemoryShelf, Shelf
from agent.files.opening import open_files
from agent.log.attempt_spans import AttemptSpans
from agent.log.contract import EventLog
from agent.log.memory import MemoryLog
from agent.log.redis.entries import StreamLimits
from agent.log.redis.log import RedisLog
from agent.log.redis.outbox import Standing
from agent.log.traced import TracedLog
from agent.models.catalog import Catalog
from agent.principal import RunKey
from agent.redis.address import parse_address
from agent.redis.client import RedisClient
from agent.redis.shelf import RedisShelf
from agent.redis.subscriber import Subscriber
from agent.runs.offers import Cluster
from agent.runs.runner import Runner
from agent.runs.signals import MemorySignals, RedisSignals, Signals
from agent.search import Searches
from agent.store.database import Store
from agent.store.workers import standing as read_standing
from agent.voice.voices import open_voices
from api import __version__, errors
from api.admin.access import operators_of
from api.auth import Authenticator
from api.below_path import BelowPath, check_root_path
from api.built_files import BuiltFiles
from api.cors import PagesOfOthers
from api.dependencies import Services
from api.equipment import Equipment, equip
from api.exposing import show_metrics
from api.handover import HandOver
from api.limits import open_limits
from api.middleware import RequestMiddleware
from api.pulse import Pulse
from api.routes.voice import TRANSCRIPTIONS
from api.served import add_routes
from api.settings import Settings
from api.sharing import check_sharing, letter_keys, tell_what_is_apart
from api.traces import TracedRequests, Traces
from api.visitors import proxies_of
from api.voice import AROUND_BYTES, RECORDING_BYTES
from demo import DemoChatModel

Watch = Callable[[EventLog], EventLog]


def create_app(settings: Settings, *, serves: bool = True, watch: Watch | None = None) -> FastAPI:
    """Return the application for these settings. Its lifespan opens the store and the runner.

    One that does not serve works on runs, and answers nobody but those who ask whether it is well. `watch` may put
    something around the log that runs are written to.

    Raises:
        ConfigurationError: something in the settings or in the assistant's definition is wrong, or the built files are missing; the text says what.
    """
    catalog = open_catalog(settings)
    store = settings.open_store()
    remembering = Memories(store)
    equipment = equip(settings, catalog, remembering)
    traces = _open_traces(settings)
    services = _assemble(settings, equipment, catalog, _watches(traces, watch), store, remembering)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if traces is not None:
                await stack.enter_async_context(traces)
            await _open(stack, services, equipment)
            app.state.services = services
            yield

    app = FastAPI(
        title="Frontdesk",
        version=__version__,
        lifespan=lifespan,
        openapi_url="/openapi.json" if settings.openapi else None,
        docs_url=None,  # FastAPI's pages run scripts of other hosts; `routes/docs.py` has one that runs none
        redoc_url=None,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        redirect_slashes=False,  # such a redirect names the host that the request named, whoever wrote that
    )
    app.state.equipment = equipment
    errors.install(app)
    add_routes(app, services, equipment, serves=serves)
    if traces is not None:
        app.add_middleware(TracedRequests, recorder=traces.recorder)
    _add_middleware(app, settings)
    return app


def open_catalog(settings: Settings) -> Catalog:
    """Return the models of these settings, with the one that needs no key."""
    return Catalog(settings, offline={"demo": DemoChatModel})


def _open_traces(settings: Settings) -> Traces | None:
    """Return the way of spans to their collector; None where nobody asks for any, and nothing of it is loaded."""
    if settings.traces == "off":
        return None
    return Traces(wants_words=settings.traces == "words", hosts=[host.strip("[]") for host in settings.trace_hosts])


def _watches(traces: Traces | None, watch: Watch | None) -> Watch:
    """Return what is put around the log that runs are written to."""

    def around(log: EventLog) -> EventLog:
        log = log if traces is None else TracedLog(log, partial(AttemptSpans, traces.recorder))
        return log if watch is None else watch(log)

    return around


def _assemble(
    settings: Settings, equipment: Equipment, catalog: Catalog, watch: Watch, store: Store, memories: Memories
) -> Services:
    """Return the parts of the installation, none of which is open yet: what is wrong with one is told at once."""
    log, signals, cluster, shelf = _share(settings, store)
    assistants = equipment.assistants
    contexts = Contexts(shelf, memories)
    files = open_files(settings, store, data=settings.data)
    runner = Runner(
        store=store,
        log=watch(log),
        signals=signals,
        catalog=catalog,
        assistants=assistants,
        settings=settings,
        cluster=cluster,
        contexts=contexts,
        files=files,
    )
    limits = open_limits(settings, assistants, catalog, cluster=cluster, processes=lambda: runner.processes)
    return Services(
        settings=settings,
        assistants=assistants,
        catalog=catalog,
        authenticator=Authenticator(settings),
        operators=operators_of(settings),
        store=store,
        redis=log if isinstance(log, RedisLog) else None,
        log=log,
        pulse=Pulse(),
        runner=runner,
        contexts=contexts,
        memories=memories,
        voices=open_voices(equipment.voices, store, lambda: runner.budgets, currency=settings.budget_currency),
        files=files,
        **limits._asdict(),
        built_files=BuiltFiles(),
        searches=Searches(
            store,
            most=settings.search_connections,
            timeout_s=settings.search_timeout_s,
            most_waiting_per_user=settings.max_queued_searches_per_user,
        ),
    )


def _share(settings: Settings, store: Store) -> tuple[EventLog, Signals, Cluster | None, Shelf]:
    """Return the log, how processes call each other, and where context is kept: in this one's memory, or in Redis where one is named.

    Raises:
        ConfigurationError: this process is not to execute runs, and cannot hand them to others.
    """
    if not settings.execute:
        check_sharing(settings, store, what="serve --no-execute")
    memory = MemoryLog(
        keep_s=settings.log_keep_s,
        keep_bytes=settings.log_keep_bytes,
        keep_bytes_per_tenant=settings.log_keep_bytes_per_tenant,
    )
    if settings.redis_url is None:
        return memory, MemorySignals(), None, MemoryShelf(most_bytes=settings.context_bytes)
    client = RedisClient(
        parse_address(settings.redis_url.get_secret_value()),
        prefix=settings.redis_prefix,
        timeout_s=settings.redis_timeout_s,
    )
    limits = StreamLimits(
        keep_s=settings.log_keep_s,
        window_s=settings.redis_window_s,
        window_events=settings.redis_window_events,
        max_events=settings.redis_max_events,
        silence_s=settings.redis_silence_s,
    )

    async def standing(run: RunKey) -> Standing | None:
        async with store.read(run.tenant_id) as connection:
            found = await read_standing(connection, run)
        return None if found is None else Standing(*found)

    subscriber = Subscriber(client)
    log = RedisLog(client, subscriber, memory, standing=standing, limits=limits)
    cluster = Cluster(client, subscriber, letter_keys(settings)) if store.is_shared else None
    return log, RedisSignals(client, subscriber), cluster, RedisShelf(client)


async def _open(stack: AsyncExitStack, services: Services, equipment: Equipment) -> None:
    """Open everything that needs closing, in order; the stack closes it in reverse."""
    show_metrics(stack, services)
    stack.push_async_callback(services.store.close)
    await services.store.prepare()
    stack.push_async_callback(services.catalog.close)
    for one in services.assistants:
        services.catalog.tell_skipped(one.definition)
    if services.redis is not None and services.store.is_shared:
        tell_what_is_apart(services.settings, [one.definition for one in services.assistants])
    await stack.enter_async_context(services.authenticator)
    if services.operators is not None:
        await stack.enter_async_context(services.operators)
    for backend in equipment.backends.every.values():
        await stack.enter_async_context(backend)
    for embedding in equipment.selectors.embeddings.values():
        await stack.enter_async_context(embedding)
    if (model := equipment.selectors.remembering) is not None:
        await stack.enter_async_context(model)
    for toolset in equipment.toolsets:
        await stack.enter_async_context(toolset)
    await stack.enter_async_context(equipment.voices)
    if services.redis is not None:
        await stack.enter_async_context(services.redis)
    if services.tally is not None:
        await stack.enter_async_context(services.tally)
    await stack.enter_async_context(services.runner)


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Add the middleware that every request passes; the last one added is the first one passed."""
    app.add_middleware(HandOver)
    larger = {TRANSCRIPTIONS: RECORDING_BYTES + AROUND_BYTES}
    uploads = {"/files": settings.max_file_bytes}
    app.add_middleware(RequestMiddleware, max_body_bytes=settings.max_body_bytes, larger=larger, uploads=uploads)
    if settings.cors_origins:  # before all that refuses: a page can read no answer without its headers
        app.add_middleware(PagesOfOthers, origins=settings.cors_origins)
    if settings.root_path:  # before all that goes by the path
        own = [getattr(one, "path", "/") + ("/" if isinstance(one, Mount) else "") for one in app.routes]
        check_root_path(settings.root_path, own)
        app.add_middleware(BelowPath, root_path=settings.root_path, is_ours=settings.root_path in own)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies_of(settings))
