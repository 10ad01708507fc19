"""Who may do how much, made of the settings: counted over all processes where they share a PostgreSQL and a Redis, else in this one."""

from collections.abc import Callable
from typing import NamedTuple

from agent.assistant.source import Assistants, find_definitions
from agent.errors import ConfigurationError
from agent.models.catalog import Catalog
from agent.redis.tally import Tally
from agent.redis.tickets import TicketShelf
from agent.redis.windows import Windows
from agent.runs.offers import Cluster
from api.rates import Rates, Shared, limit_of
from api.recordings import RecordingRoom
from api.seats import Seats, SharedSeats
from api.settings import Settings
from api.shared_tickets import SharedTickets, erased_channel
from api.sockets.registry import Sockets
from api.tickets import Tickets
from api.visitors import Visitors
from api.voice import AROUND_BYTES, RECORDING_BYTES
from api.voice_settings import OF_TENANT, OF_USER

FILES_OF_USER = "At most {most} files can be sent at once."
FILES_OF_TENANT = "At most {most} files can be sent at once by all of a company."


class Limits(NamedTuple):
    """The counters of the limits."""

    requests: Rates
    uploads: Rates
    seats: Seats
    voice_seats: Seats
    upload_seats: Seats
    recordings: RecordingRoom
    sockets: Sockets
    tickets: Tickets | SharedTickets
    visitors: dict[str, Visitors]
    tally: Tally | None
    """To be entered while it is counted; None where there is one process only."""


def open_limits(
    settings: Settings,
    assistants: Assistants,
    catalog: Catalog,
    *,
    cluster: Cluster | None,
    processes: Callable[[], int],
) -> Limits:
    """Return the limits of an installation.

    Raises:
        ConfigurationError: one cannot be read; the text says which.
    """
    rates = Shared(Windows(cluster.client), processes) if cluster is not None else None
    tally = Tally(cluster.client, lease_s=settings.lease_s) if cluster is not None else None
    seats = SharedSeats(tally, processes) if tally is not None else None
    most = settings.max_streams_per_user, settings.max_streams_per_tenant, settings.max_streams_per_address
    of_voices = settings.max_voices_per_user, settings.max_voices_per_tenant
    of_uploads = settings.max_uploads_per_user, settings.max_uploads_per_tenant
    tickets: Tickets | SharedTickets = (own := Tickets(settings, rates=rates))
    if cluster is not None and cluster.keys is not None:
        tickets = shared = SharedTickets(own, TicketShelf(cluster.client), cluster.keys, settings)
        cluster.subscriber.add(erased_channel(cluster.client.prefix), shared)
    return Limits(
        _requests(settings, rates),
        Rates({"uploads": limit_of(settings.upload_limit, name="FRONTDESK_UPLOAD_LIMIT")}, rates),
        Seats("streams", *most, shared=seats),
        Seats("voices", *of_voices, refusals=(OF_USER, OF_TENANT), shared=seats),
        Seats("uploads", *of_uploads, refusals=(FILES_OF_USER, FILES_OF_TENANT), shared=seats),
        RecordingRoom(settings.recordings_bytes, largest=RECORDING_BYTES + AROUND_BYTES),
        Sockets(settings, rates=rates, seats=seats),
        tickets,
        _visitors(settings, assistants, catalog, rates),
        tally,
    )


def _requests(settings: Settings, shared: Shared | None) -> Rates:
    named = {"user": settings.user_limit, "tenant": settings.tenant_limit, "address": settings.address_limit}
    limits = {
        name: limit_of(text, name=f"FRONTDESK_{name.upper()}_LIMIT") for name, text in named.items() if text is not None
    }
    return Rates(limits, shared)


def _visitors(
    settings: Settings, assistants: Assistants, catalog: Catalog, shared: Shared | None
) -> dict[str, Visitors]:
    limit_of(settings.public_limit, name="FRONTDESK_PUBLIC_LIMIT")  # a wrong one is told of while nobody needs it, too
    found = {}
    for one in assistants:
        if (public := one.definition.public) is not None:
            try:
                usable = catalog.names(one.definition)
                found[one.id] = Visitors(public, settings, usable=usable, name=one.id, shared=shared)
            except ConfigurationError as exc:
                raise ConfigurationError(f"{find_definitions(settings.assistant)[one.id]}: {exc}") from exc
    return found
