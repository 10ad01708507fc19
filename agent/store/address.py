"""Where the database is: the URLs that are taken, and what to tell of one that lets nobody in."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agent.errors import ConfigurationError
from agent.store.faults import reason_of, why_not_reached

DRIVERS = {"sqlite+aiosqlite", "postgresql+psycopg"}
LAST_PORT = 65535
FORMS = "write it like postgresql+psycopg://user@host/name or sqlite+aiosqlite:////folder/frontdesk.db"


def _parsed(url: str, name: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"{name}: it cannot be parsed; {FORMS}") from None
    if parsed.drivername not in DRIVERS:
        raise ConfigurationError(f"{name}: {parsed.drivername}:// is not known; {FORMS}")
    if parsed.port is not None and not 0 < parsed.port <= LAST_PORT:
        raise ConfigurationError(f"{name}: {parsed.port} is no port; {FORMS}")
    if parsed.drivername.startswith("postgresql"):
        _check_options(parsed, name)
    return parsed


def _check_options(url: URL, name: str) -> None:
    """Refuse what libpq does not know behind `?`."""
    from psycopg import ProgrammingError  # where there is a PostgreSQL
    from psycopg.conninfo import make_conninfo

    for option, value in url.query.items():
        try:
            make_conninfo("", **{option: str(value)})
        except ProgrammingError:
            raise ConfigurationError(f"{name}: PostgreSQL knows no option {option!r}, as sslmode is one") from None
    modes = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
    if (mode := url.query.get("sslmode", "prefer")) not in modes:
        raise ConfigurationError(f"{name}: sslmode is one of {', '.join(sorted(modes))}, not {mode!r}")


def parse_urls(url: str, upkeep_url: str | None) -> tuple[URL, URL]:
    """Return a database's URL and the one of the role that owns its tables, which are the same where there is one role.

    Raises:
        ConfigurationError: one of them is none, or they cannot be two roles of one database.
    """
    application = _parsed(url, "FRONTDESK_DATABASE_URL")
    if upkeep_url is None:
        return application, application
    owners = _parsed(upkeep_url, "FRONTDESK_DATABASE_UPKEEP_URL")
    if "sqlite" in application.drivername + owners.drivername:
        raise ConfigurationError("FRONTDESK_DATABASE_UPKEEP_URL: only PostgreSQL has a second role")
    if application.username == owners.username:
        raise ConfigurationError("FRONTDESK_DATABASE_UPKEEP_URL: must be of another role than FRONTDESK_DATABASE_URL")
    return application, owners


def for_tools(url: URL) -> str:
    """Return a PostgreSQL URL as PostgreSQL's own tools take it, without its password."""
    own = URL.create("postgresql", username=url.username, host=url.host, port=url.port, database=url.database)
    return own.set(query=url.query).render_as_string()


def unreachable(url: URL, exc: Exception) -> ConfigurationError:
    """Return what to tell of a database that does not let us in: no password, and no text that may hold data."""
    if url.drivername.startswith("sqlite"):
        return ConfigurationError(f"the database {url.database} cannot be used: {reason_of(exc)}")
    place = f"{url.host or 'the local socket'}:{url.port or 5432}"
    return ConfigurationError(f"the database cannot be reached: {why_not_reached(exc)} ({place})")
