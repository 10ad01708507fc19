"""Whether the service is well, and its metrics."""

from fastapi import APIRouter, Request, Response

from agent.errors import RETRY_AFTER_S, NotFoundError, OverloadedError, UnauthorizedError
from api.dependencies import InstallationDep
from api.errors import PROBLEMS
from api.gauges import CONTENT_TYPE, exposition
from api.metrics_port import is_allowed
from api.views import Health, Readiness

router = APIRouter(tags=["service"], responses=PROBLEMS)


@router.get("/health")
async def health() -> Health:
    """Say that the service is there."""
    return Health()


@router.get("/livez")
async def live() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/readyz")
async def ready(services: InstallationDep) -> Readiness:
    """Say that the service can take messages: its database takes what it writes, and it is not about to stop.

    Without Redis it is `degraded`: it serves, and other processes' runs are read in whole messages. It asks nobody, so it
    answers at once whatever hangs: it tells of the worker's last renewal, which is a write.
    """
    if services.leave.has_begun or services.runner.is_draining:
        raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
    if not services.runner.is_ready:
        raise OverloadedError("The database does not take anything.", retry_after_s=RETRY_AFTER_S)
    return Readiness(status="healthy" if services.runner.is_whole else "degraded")


@router.get("/metrics", response_class=Response, include_in_schema=False)
async def metrics(request: Request, services: InstallationDep) -> Response:
    """Return the metrics for Prometheus, to whoever knows the token where one is set; nothing, where they have a port of their own."""
    if services.settings.metrics_port is not None or services.settings.workers > 1:
        raise NotFoundError("The metrics of each process have a port of their own, FRONTDESK_METRICS_PORT.")
    if not is_allowed(services.settings.metrics_token, request.headers.get("authorization", "")):
        raise UnauthorizedError("Send the metrics' bearer token.")
    return Response(exposition(services), media_type=CONTENT_TYPE)
