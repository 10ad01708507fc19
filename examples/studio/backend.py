"""The studio's REST API: the demo business that Frontdesk's tools call with the user's own token.

Conventions of every answer: money is a plain number in major units beside a `currency`; dates are ISO, of the clock of whoever asks; lists
are `{items, total}`, paged ones with `limit` and `offset`; an error is `{"detail": "<a sentence>"}`. Handlers are
plain functions that FastAPI runs in worker threads, so SQLite never blocks the event loop.
"""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from api.settings import Settings
from examples.studio.database import Studio, utc_now
from examples.studio.routes import attendance, clients, enquiries, memberships, reports, studio

DESCRIPTION = """Members, memberships, visits, enquiries and money of a fitness studio.

Every route needs a bearer token (JWT, HS256). It decides the tenant; an owner sees all branches, a trainer one branch,
a client their own record. `X-Branch-Id` narrows any request to one branch, `X-Time-Zone` says whose day is today. Writes honour `Idempotency-Key`.
"""


def create_app(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the API over `studio.db` in the data folder, filled for today if it is not yet.

    A mounted app gets no lifespan, so the file is prepared here; it is looked at again when the day changes.
    """
    app = routes()
    app.state.settings = settings
    app.state.studio = Studio(settings.data / "studio.db", now=now)
    app.state.studio.prepare()
    return app


def routes() -> FastAPI:
    """Return the API without its data; `openapi.json` beside this file is its description, of which its tools are made."""
    app = FastAPI(
        redirect_slashes=False,
        title="Studio",
        version="1.0.0",
        description=DESCRIPTION,
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,
        redoc_url=None,
    )
    app.add_exception_handler(RequestValidationError, _explain)
    for part in (clients, attendance, memberships, reports, enquiries, studio):
        app.include_router(part.router)
    return app


async def _explain(_: Request, error: Exception) -> JSONResponse:
    """Answer 422 with one readable sentence; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    problems = (f"{'.'.join(map(str, e['loc'][1:])) or e['loc'][0]}: {e['msg']}" for e in error.errors()[:5])
    return JSONResponse({"detail": "; ".join(problems)}, 422)
