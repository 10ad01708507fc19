"""Files that browsers load: the built ones, and the demo's page."""

from fastapi import APIRouter, Request, Response

from api.demo_access import is_open_to
from api.dependencies import InstallationDep
from api.errors import PROBLEMS
from api.views import Health

router = APIRouter(responses=PROBLEMS)

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "frontdesk",
}
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "; ".join(f"{directive} {sources}" for directive, sources in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/", response_model=Health, tags=["service"])
async def show_front_door(request: Request, services: InstallationDep) -> Response:
    """Say that the service is there; in demo mode a browser gets the demo's page instead."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not (wants_page and is_open_to(request, services.settings)):
        return Response(Health().model_dump_json(), media_type="application/json", headers={"Vary": "Accept"})
    page = await services.built_files.page("demo.html", request)
    page.headers.update(PAGE_HEADERS)
    return page


@router.api_route("/static/{name:path}", methods=["GET", "HEAD"], include_in_schema=False)
async def get_built_file(name: str, request: Request, services: InstallationDep) -> Response:
    """Return a built file: for good under its hashed name, for a moment under its plain one."""
    return await services.built_files.asset(name, request)
