"""Whether the record is as it was sealed: read in pages, from the oldest seal to the newest."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import case, func, or_, select, text

from agent.store.audit import digest_of_words
from agent.store.audit_tables import LOOSE, NO_SALT, SEALED, audit, audit_seals
from agent.store.database import Store
from agent.store.sealing import NO_SEAL, Head, digest_of, digest_of_seal
from agent.store.transaction import Transaction

READ_AT_ONCE = 500
WENT = ("conversation.deleted", "conversation.expired")
"""The deeds after which a conversation's words are gone."""
ERASURES = ("user.erased", "tenant.erased")
"""The deeds after which all words up to then are gone: of what a user did, wherever that was; of a tenant."""
_SEALED = text(f"audit.{SEALED}")
LATE_S = 300.0
"""A row that is so much older than what was sealed before it came in by another door: no transaction lasts nearly as long."""


class Problem(NamedTuple):
    """A problem of a tenant's record: what is wrong, and where."""

    tenant_id: str
    text: str


class Verified(NamedTuple):
    """A tenant's record as it is found to be."""

    rows: int
    head: Head | None
    problems: list[Problem]


async def verify_tenant(store: Store, tenant_id: str) -> Verified:
    """Compare a tenant's rows with their seals, and the seals with each other."""
    looked = _Look(store, tenant_id)
    while seals := await looked.next_seals():
        for seal in seals:
            await looked.compare(seal)
    await looked.compare_the_rest()
    return Verified(looked.rows, looked.head, looked.problems)


async def recorded_tenants(connection: Transaction) -> list[str]:
    """Return the tenants that the record has rows or seals of."""
    both = select(audit.c.tenant_id).union(select(audit_seals.c.tenant_id))
    return sorted((await connection.execute(both)).scalars())


class _Look:
    """A reading of a tenant's record."""

    def __init__(self, store: Store, tenant_id: str) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._until = 0.0
        self._first: Any = None
        self.head: Head | None = None
        self.rows = 0
        self.problems: list[Problem] = []

    async def next_seals(self) -> Sequence[Any]:
        s = audit_seals.c
        own = select(audit_seals).where(
            s.tenant_id == self._tenant_id, s.number > (self.head.number if self.head else 0)
        )
        async with self._store.read(self._tenant_id) as connection:
            rows: Sequence[Any] = (await connection.execute(own.order_by(s.number).limit(READ_AT_ONCE))).all()
        return rows

    async def compare(self, seal: Any) -> None:
        """Compare a seal with the one before it and with its rows."""
        number, previous = (self.head.number, self.head.digest) if self.head else (0, NO_SEAL)
        if self.head is None and seal.number > 1:
            self._first = seal  # older ones went, or were removed: the record itself says which
        elif seal.number != number + 1:
            self._tell(f"seals {number + 1} to {seal.number - 1} are missing")
        elif seal.previous != previous:
            self._tell(f"seal {seal.number} does not follow seal {number}")
        rows = await self._of_seal(seal.number)
        self.rows += len(rows)
        is_whole = digest_of_seal(seal, [row.digest for row in rows]) == seal.digest
        found = [problem for row in rows if (problem := self._problem_of(row))]
        for problem in found:
            self._tell(problem)
        if len(rows) != seal.rows:
            self._tell(
                f"seal {seal.number} of second {seal.second} is over {seal.rows} rows, and {len(rows)} are there"
            )
        elif not is_whole:
            self._tell(f"seal {seal.number} of second {seal.second} is not over these rows in this order")
        self._until = float(seal.until)
        self.head = Head(seal.number, seal.digest)

    async def compare_the_rest(self) -> None:
        """Look at rows that no seal is over, at words that went, and at where the oldest seals are."""
        c = audit.c
        newest, oldest = (self.head.number if self.head else 0), (self._first.number if self._first else 1)
        loose = select(func.count()).select_from(audit).where(c.tenant_id == self._tenant_id)
        async with self._store.read(self._tenant_id) as connection:
            lost = (await connection.execute(loose.where(_SEALED, or_(c.seal > newest, c.seal < oldest)))).scalar_one()
            late = loose.where(text(f"audit.{LOOSE}"), c.at < self._until - LATE_S)
            inserted = (await connection.execute(late)).scalar_one()
            gone = await _erased_without_deletion(connection, self._tenant_id)
            is_told = self._first is None or await _is_expiry_told(connection, self._first)
        if lost:
            self._tell(f"{lost} rows name a seal that is not there")
        if inserted:
            self._tell(f"{inserted} rows without a seal are older than what is sealed")
        for conversation_id in gone:
            self._tell(f"words of conversation {conversation_id} are gone, and nobody deleted it")
        if not is_told:
            self._tell(f"the seals before {self._first.number} are missing, and no expiry says so")

    async def _of_seal(self, number: int) -> list[Any]:
        own = select(audit).where(audit.c.tenant_id == self._tenant_id, _SEALED, audit.c.seal == number)
        async with self._store.read(self._tenant_id) as connection:
            rows = (await connection.execute(own.order_by(audit.c.at, audit.c.id))).all()
        return list(rows)

    def _problem_of(self, row: Any) -> str | None:
        where = f"row {row.id} ({row.kind})"
        if digest_of(row) != row.digest:
            return f"{where} was changed"
        if row.at < self._until - LATE_S:
            return f"{where} is older than what was sealed before it"
        if (row.words is None) != (row.salt is None) or (row.words is not None and row.words_digest is None):
            return f"{where}: its words were changed"
        if row.words is not None and digest_of_words(row.salt, row.words) != row.words_digest:
            return f"{where}: its words were changed"
        return None

    def _tell(self, text: str) -> None:
        self.problems.append(Problem(self._tenant_id, text))


async def _erased_without_deletion(connection: Transaction, tenant_id: str) -> list[UUID | None]:
    """Return the conversations whose rows have lost words although nobody deleted them, or erased whose words they were."""
    c = audit.c
    gone = or_(c.words.is_(None), c.salt.is_(None), c.salt == NO_SALT)
    lost = select(c.conversation_id, c.user_id, func.max(c.at).label("at")).where(
        c.tenant_id == tenant_id, c.words_digest.is_not(None), gone
    )
    deleted = select(c.conversation_id).where(
        c.tenant_id == tenant_id, c.kind.in_(WENT), c.conversation_id.is_not(None)
    )
    known = set((await connection.execute(deleted)).scalars())
    erased = await _erasures(connection, tenant_id)
    return list(
        {
            row.conversation_id
            for row in await connection.execute(lost.group_by(c.conversation_id, c.user_id))
            if row.conversation_id not in known and row.at > max(erased.get(row.user_id, 0.0), erased.get(None, 0.0))
        }
    )


async def _erasures(connection: Transaction, tenant_id: str) -> dict[str | None, float]:
    """Return when users were erased last, by their ids, and under None when the whole tenant was."""
    c = audit.c
    whose = case((c.kind == "user.erased", c.on_behalf_of)).label("whose")
    told = select(whose, func.max(c.at).label("at")).where(c.tenant_id == tenant_id, c.kind.in_(ERASURES))
    return {row.whose: row.at for row in await connection.execute(told.group_by(whose))}


async def _is_expiry_told(connection: Transaction, first: Any) -> bool:
    """Return whether the record says that all before this seal went because its time was over."""
    told = f"{first.number - 1}:{first.previous}"
    c = audit.c
    own = select(c.id).where(c.tenant_id == first.tenant_id, c.kind == "audit.expired", c.outcome == told).limit(1)
    return (await connection.execute(own)).one_or_none() is not None


KEPT_SEAL = r"^[1-9][0-9]{0,8}:[0-9a-f]{64}$"
"""A seal as it is kept elsewhere: its number and its digest."""


async def has_seal(connection: Transaction, tenant_id: str, *, number: int, digest: str) -> bool:
    """Return whether a tenant's record has this seal; one that was kept elsewhere proves all that is before it."""
    s = audit_seals.c
    own = select(s.number).where(s.tenant_id == tenant_id, s.number == number, s.digest == digest)
    return (await connection.execute(own)).one_or_none() is not None
