"""Which routes the app has, in the order in which a request tries them."""

from fastapi import FastAPI

from api.below_path import check_mounts
from api.dependencies import Services
from api.equipment import Equipment
from api.routes import (
    admin,
    admin_budgets,
    admin_record,
    ag_ui,
    ai_sdk,
    approvals,
    audit,
    chat,
    conversations,
    copilotkit,
    demo,
    dialects,
    docs,
    feedback,
    files,
    health,
    lanes,
    memories,
    openai,
    pages,
    public,
    runs,
    socket,
    suggestions,
    tickets,
    turns,
    voice,
)
from api.routes import assistant as assistant_route


def add_routes(app: FastAPI, services: Services, equipment: Equipment, *, serves: bool) -> None:
    """Give the app its routes, and the apps that it mounts; one that does not serve has those alone that say how it is."""
    answering = dialects, chat, turns, public, runs, lanes, tickets, socket, ai_sdk, ag_ui, copilotkit, openai
    asked_less = (
        assistant_route,
        docs,
        pages,
        demo,
        suggestions,
        approvals,
        conversations,
        feedback,
        memories,
        files,
        audit,
        voice,
    )
    for_operators = (admin, admin_record, admin_budgets) if services.operators is not None else ()
    # What is asked most stands first: a request tries the routes in this order.
    for module in (*answering, health, *asked_less, *for_operators) if serves else (health,):
        app.router.routes.extend(module.router.routes)  # as they are: included, each would be made again for each app
    check_mounts(equipment.backends.mounted, [getattr(one, "path", "/") for one in app.routes])
    for path, mounted in equipment.backends.mounted.items() if serves else ():
        app.mount(path, mounted)
