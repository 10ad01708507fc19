"""How much of files there may be: one, those of a message, those that wait for one, and all that are kept."""

from dataclasses import dataclass

from agent.budget import QuotaExceededError
from agent.store.attachments import NewFile
from agent.store.file_bytes import FILE_BYTES, HeldBytes

LOOSE = "Your files that no message has are too large together: send them with a message, or delete some."
OF_USER = "Your files take as much room as they may together: delete conversations that have some."
OF_TENANT = "The files of your company take as much room as they may together."


@dataclass(frozen=True, slots=True)
class Limits:
    """How large files may be, and how long they may wait for a message. Sizes in bytes."""

    file_bytes: int
    per_message: int
    loose_bytes: int
    loose_s: float
    user_bytes: int
    tenant_bytes: int

    def check(self, held: HeldBytes, new: NewFile | None = None, *, is_loose: bool = True) -> None:
        """Refuse a file for which its user has no room; without one, whatever it may be.

        Raises:
            QuotaExceededError: there is none.
        """
        content, text = (new.bytes, new.text_bytes or 0) if new is not None else (1, 0)
        if is_loose and held.loose + content > self.loose_bytes:
            raise QuotaExceededError(LOOSE)
        if held.kept + content + text + FILE_BYTES > self.user_bytes:
            raise QuotaExceededError(OF_USER)

    def check_tenant(self, kept: int) -> None:
        """Refuse a file of a tenant whose files take as much as they may. Those that are just being taken may go beyond that.

        Raises:
            QuotaExceededError: they do.
        """
        if kept >= self.tenant_bytes:
            raise QuotaExceededError(OF_TENANT)
