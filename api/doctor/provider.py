"""The providers of the models: whether they let us in and have the models. Asked only where that is wanted; a try costs."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import SecretStr

from agent.assistant.definition import Assistant
from agent.assistant.models import ModelDefinition
from agent.errors import FrontdeskError
from agent.http import open_blocking_client
from agent.models.catalog import Catalog
from api.doctor.clock import BY_DATE_S, compared
from api.doctor.finding import Finding, fail, ms, ok, warn
from api.settings import Settings

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_S = 20.0
TRY = "Answer with the word: yes"
REFUSED = {
    401: ("the key is refused", "give the right one: OPENAI_API_KEY, or what api_key_env of the definition names"),
    403: ("the key may not do this", "let the provider's account use its models"),
    429: ("the account has no room left, or asks too often", "look at the provider's limits and bills"),
}


async def check_providers(
    settings: Settings, catalog: Catalog, assistants: Iterable[Assistant], *, lists: bool, tries: bool
) -> list[Finding]:
    """Return what each provider says to a listing of its models, which is free, and to a short question, which costs a few tokens."""
    versions = [version for one in assistants for version in one.versions]
    models = {model.model_dump_json(): (one, model) for one in versions for model in catalog.asked(one)}
    if not models:
        return [ok("provider", "no model needs one")]
    if not (lists or tries):
        return [
            ok(
                "provider",
                "not asked; --provider lists its models, --try-provider asks each a short question, which costs",
            )
        ]
    found = []
    if lists:
        places: dict[tuple[str, str], list[ModelDefinition]] = defaultdict(list)
        for _, model in models.values():
            if catalog.lists_models(model):
                url, key = catalog.whereabouts(model)
                places[url or OPENAI_URL, key.get_secret_value() if key is not None else ""].append(model)
            else:
                found.append(ok(f"model {model.label}", "its provider is asked for no list; --try-provider asks it"))
        for (url, secret), listed in places.items():
            found += await asyncio.to_thread(_listed, settings, url, SecretStr(secret), listed)
    if tries:
        found += [await _tried(catalog, one, model) for one, model in models.values()]
    return found


def _listed(settings: Settings, url: str, key: SecretStr, models: Sequence[ModelDefinition]) -> list[Finding]:
    check = f"provider {httpx2.URL(url).host}"
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key.get_secret_value() else {}
    try:
        with open_blocking_client(timeout=httpx2.Timeout(TIMEOUT_S)) as client:
            begun = time.perf_counter()
            answer = client.get(f"{url.rstrip('/')}/models", headers=headers)
            taken_s = time.perf_counter() - begun
    except httpx2.HTTPError as exc:
        do = "look whether it is up, and whether this machine may go there (firewall, HTTPS_PROXY)"
        return [fail(check, f"nobody answers ({type(exc).__name__})", do)]
    return [_standing(check, answer, models, taken_s), *_clock(check, settings, answer, taken_s)]


def _standing(check: str, answer: httpx2.Response, models: Sequence[ModelDefinition], taken_s: float) -> Finding:
    if answer.status_code in REFUSED:
        return fail(check, *REFUSED[answer.status_code])
    ids = _ids(answer)
    if ids is None:
        return warn(check, f"it lists no models ({answer.status_code})", "ask each of them: --try-provider")
    names = [model.spec.partition(":")[2] for model in models]
    if missing := [name for name in names if name not in ids]:
        do = f"mend the definition; it has {', '.join(sorted(ids)[:5])} …"
        return fail(check, f"it has no model {', '.join(missing)}", do)
    return ok(check, f"it has {', '.join(names)}, and answers in {ms(taken_s)}")


def _ids(answer: httpx2.Response) -> set[str] | None:
    """Return the ids of a listing; None where it is none."""
    try:
        return {one["id"] for one in answer.json()["data"] if one["id"].isprintable()} if answer.is_success else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _clock(check: str, settings: Settings, answer: httpx2.Response, taken_s: float) -> list[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return []
    ahead_s = time.time() - taken_s / 2 - theirs - 0.5  # theirs was cut to the second
    return [compared(f"clock: {check.partition(' ')[2]}'s", settings, ahead_s, noticed_s=BY_DATE_S)]


async def _tried(catalog: Catalog, assistant: Assistant, model: ModelDefinition) -> Finding:
    check = f"model {model.label}"
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(assistant.limits.first_token_timeout_s):
            async with aclosing(catalog.open(model, assistant.limits).astream(TRY)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if piece.content:
                        return ok(check, f"it answers, after {ms(time.perf_counter() - begun)}")
    except (FrontdeskError, TimeoutError) as exc:
        code = getattr(exc, "code", None) or type(exc).__name__
        return fail(
            check, f"it does not answer ({code})", "look at the provider's key, limits and bills; docs/models.md"
        )
    return warn(check, "it answers, and says nothing", "look whether it is the right model; docs/models.md")
