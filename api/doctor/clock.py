"""The clock of this machine, by which tokens expire; between processes only the database's counts."""

from agent.store.examining import Examined
from api.doctor.finding import Finding, fail, ok, warn
from api.settings import Settings

NOTICED_S = 1.0
BY_DATE_S = 2.0
"""An HTTP Date is a whole second, and was written somewhere on the way."""
DO = "let this machine keep its time (chrony, systemd-timesyncd)"


def check_clock(settings: Settings, database: Examined | None) -> list[Finding]:
    """Return how far our clock is from the database's, where there is one on another machine."""
    if database is None or not database.number:
        return []
    return [compared("clock: the database's", settings, database.ahead_s, noticed_s=NOTICED_S)]


def compared(check: str, settings: Settings, ahead_s: float, *, noticed_s: float) -> Finding:
    """Return what to say of a clock from which ours is so far away."""
    says = f"ours is {abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} it"
    if abs(ahead_s) <= noticed_s:
        return ok(check, "the same as ours")
    if abs(ahead_s) > settings.jwt_leeway_s:
        return fail(check, f"{says}, more than FRONTDESK_JWT_LEEWAY_S forgives tokens", DO)
    return warn(check, says, DO)
