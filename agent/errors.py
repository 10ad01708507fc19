"""Every error of Frontdesk, in one tree.

    FrontdeskError
    ├── RequestError                    a request is refused; api/errors.py says what it is over HTTP
    │   ├── InvalidRequestError         invalid_request
    │   ├── IdempotencyMismatchError    idempotency_mismatch
    │   ├── UnauthorizedError           unauthorized
    │   ├── ForbiddenError              forbidden
    │   ├── NotFoundError               not_found
    │   ├── RunActiveError              run_active
    │   ├── SupersededError             superseded
    │   ├── NotWaitingError             not_waiting
    │   ├── AlreadyDecidedError         already_decided    (outcome)
    │   ├── AlreadyClaimedError         already_claimed
    │   ├── PayloadTooLargeError        payload_too_large  (four more are about files: agent/file_errors.py)
    │   ├── RateLimitedError            rate_limited       (retry_after_s)
    │   ├── QuotaExceededError          quota_exceeded     in agent/budget.py; a RunError, too
    │   ├── OverloadedError             overloaded         (retry_after_s)
    │   └── DatabaseError               overloaded         (retry_after_s) the database does not answer, or not in time
    ├── RunError                        a run ended badly; its code goes out as an `error` event
    │   ├── ModelUnavailableError       model_unavailable
    │   ├── ModelRateLimitedError       model_rate_limited (retry_after_s)
    │   ├── ModelTimeoutError           model_timeout
    │   ├── ModelRefusedError           model_refused
    │   │   ├── ModelUnauthorizedError  model_unauthorized
    │   │   ├── ModelMissingError       model_refused      in agent/models/refusals.py: the provider does not have the model
    │   │   ├── ContentRefusedError     model_refused      the message is not shown to a model again
    │   │   └── OnlyThoughtError        model_refused      no tokens were left for an answer
    │   ├── ModelQuotaError             model_quota
    │   ├── ContextTooLongError         context_too_long
    │   ├── DeadlineError               deadline
    │   └── InterruptedRunError         interrupted
    ├── ToolError                       a tool failed; its text is written for the model
    │   ├── NotThereError               what was to be changed is not there: nothing happened
    │   ├── BackendDownError            the backend failed too often lately: it was not asked
    │   └── CredentialRefusedError      the backend did not accept the token: nothing happened, a fresh one may do
    ├── ConfigurationError              the installation is wrong; raised at start only
    ├── LeaseLostError                  this worker no longer owns the run; stop without writing
    ├── LogTrimmedError                 the log no longer reaches back; take a snapshot
    ├── StaleAppendError                an event id that is not greater than the log's last
    └── LogAwayError                    the log of a run that another process has cannot be asked now

`code` is stable and public. The text of an error reaches a client only where the class says so (`public`), else the log."""

from typing import ClassVar
from uuid import UUID

RETRY_AFTER_S = 5
"""When who was turned away may come back, where nobody knows better."""


class FrontdeskError(Exception):
    """The root. `code` is what clients see; `str(error)` is for operators."""

    code: ClassVar[str] = "internal"


class RequestError(FrontdeskError):
    """A request that cannot be served. Its text is public: it names the field or the rule, never data."""

    retry_after_s: int | None = None


class InvalidRequestError(RequestError):
    """A field is wrong; the text names it."""

    code = "invalid_request"


class IdempotencyMismatchError(RequestError):
    """The Idempotency-Key was used before with another body."""

    code = "idempotency_mismatch"


class UnauthorizedError(RequestError):
    """No token, or one that does not prove a user of a tenant."""

    code = "unauthorized"


class ForbiddenError(RequestError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFoundError(RequestError):
    """The principal has no such thing: missing and foreign ids are the same answer."""

    code = "not_found"


class RunActiveError(RequestError):
    """The conversation already has an active run."""

    code = "run_active"

    def __init__(self, message: str, *, run_id: UUID) -> None:
        super().__init__(message)
        self.run_id = run_id


class SupersededError(RequestError):
    """The message is of an earlier version: another turn took its place."""

    code = "superseded"


class NotWaitingError(RequestError):
    """The run does not wait for this: it never did, or somebody else was faster."""

    code = "not_waiting"


class AlreadyDecidedError(RequestError):
    """The question was answered before; `outcome` says how: approved, denied, ok, error, expired or withdrawn."""

    code = "already_decided"

    def __init__(self, outcome: str) -> None:
        super().__init__(f"This is decided already: {outcome}.")
        self.outcome = outcome


class AlreadyClaimedError(RequestError):
    """Another of the user's pages makes this call."""

    code = "already_claimed"


class PayloadTooLargeError(RequestError):
    """The body is larger than the limit."""

    code = "payload_too_large"


class RateLimitedError(RequestError):
    """The caller sent too much; `retry_after_s` says when to come back."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OverloadedError(RequestError):
    """The server has too much to do, or is stopping; `retry_after_s` says when to come back."""

    code = "overloaded"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DatabaseError(RequestError):
    """The database cannot be reached, refused, or missed a limit. Only where it `is_undone`, nothing was committed for certain,
    and the same may work at once; where it `is_away` there was not even a connection. A run that it
    cut is left as it is, for its next attempt. `reason` is for the operator's log: a type, never a text of the database's.
    """

    code = "overloaded"
    retry_after_s = RETRY_AFTER_S

    def __init__(self, reason: str, *, is_undone: bool = False, is_away: bool = False) -> None:
        super().__init__("The database does not answer right now. Try again in a moment.")
        self.reason, self.is_undone, self.is_away = reason, is_undone, is_away


class RunError(FrontdeskError):
    """A run cannot go on. Clients get `code` and `public`; the text stays with the operator."""

    public: str = "Something went wrong on our side."
    recoverable: ClassVar[bool] = True
    retry_after_s: float | None = None


class ModelUnavailableError(RunError):
    """The provider answered 5xx, garbage, or with nothing; `is_empty` where that was an answer like any other but for that."""

    code = "model_unavailable"
    public = "The language model is not available right now."

    def __init__(self, message: str, *, is_empty: bool = False) -> None:
        super().__init__(message)
        self.is_empty = is_empty


class ModelRateLimitedError(RunError):
    """The provider answered 429."""

    code = "model_rate_limited"
    public = "The language model is busy. Try again in a moment."

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelTimeoutError(RunError):
    """The provider did not connect, begin or go on in time."""

    code = "model_timeout"
    public = "The language model took too long to answer."


class ModelRefusedError(RunError):
    """The provider refused the request: a bad key, a content filter, a malformed request."""

    code = "model_refused"
    public = "The language model refused this request."
    recoverable = False


class ModelUnauthorizedError(ModelRefusedError):
    """The provider did not accept the operator's key."""

    code = "model_unauthorized"
    public = "The language model cannot be used: its key was refused. Please tell the operator."


class ContentRefusedError(ModelRefusedError):
    """The provider refused what was said, not how it was asked: the message would be refused again."""

    public = "The language model refused the content of this message. Say it in another way."


class OnlyThoughtError(ModelRefusedError):
    """The model used all its tokens for thinking."""

    public = "The language model spent all it may say on thinking. Ask for less at once."
    recoverable = True


class ModelQuotaError(RunError):
    """The account with the provider is empty; waiting does not help."""

    code = "model_quota"
    public = "The language model cannot be used: its account is used up. Please tell the operator."
    recoverable = False


class ContextTooLongError(RunError):
    """The conversation does not fit into the model's context."""

    code = "context_too_long"
    public = "This conversation is too long for the language model. Start a new one."
    recoverable = False


class DeadlineError(RunError):
    """The run took longer than its deadline."""

    code = "deadline"
    public = "The answer took too long and was stopped."


class InterruptedRunError(RunError):
    """The server stopped in the middle of the run."""

    code = "interrupted"
    public = "The answer was interrupted. Ask again."


class ToolError(FrontdeskError):
    """A tool could not do its work. The text is given to the model: say what to change or to tell the user."""


class NotThereError(ToolError):
    """The backend has nothing to change under this path. A tool may add how to find what is there."""


class BackendDownError(ToolError):
    """The backend failed too often lately: it was not asked, and nothing happened."""


class CredentialRefusedError(ToolError):
    """The backend did not accept the token. The call had no effect and can be made again with a fresh one."""


class ConfigurationError(FrontdeskError):
    """The installation is wrong; the text says what to change. Raised at start, never during a request."""


class LeaseLostError(FrontdeskError):
    """The run belongs to a later attempt, or is over: this worker must stop without writing."""


class LogTrimmedError(FrontdeskError):
    """The log does not reach back to what the reader asked for."""


class StaleAppendError(FrontdeskError):
    """An event id is not greater than the log's last one: the writer lost the run to a later attempt."""


class LogAwayError(FrontdeskError):
    """The log of a run that another process has cannot be asked now. It may be back in a moment."""
