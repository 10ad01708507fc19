"""A run whose model failed: who answers, what is kept of the one that was asked for, and what each of them used."""

from collections.abc import Iterable
from dataclasses import replace

from agent.events.schema import Usage
from agent.store.runs import ModelChange, Run, UsedBefore


def changed(run: Run, model: str, reason: str, *, used: Usage, step: int) -> Run:
    """Return the run as another model goes on with a step of it, when all models together have `used` so much.

    The first change is kept; coming back to where it began is none.
    """
    first: ModelChange = run.model_changed or {"from": run.model, "reason": reason}
    return replace(
        run,
        model=model,
        model_changed=None if first["from"] == model else first,
        used_before=_used_before(run, used, step) if used != Usage() else None,
    )


def asked_model(run: Run) -> str:
    """Return the model that was asked for, whichever answers."""
    return run.model_changed["from"] if run.model_changed else run.model


def used_by(run: Run, said: list[tuple[int, Usage]]) -> Usage:
    """Return what a run has used whose stored steps took this: what was taken back of a model that failed is in no step."""
    kept = run.used_before
    if kept is None:
        return sum((usage for _, usage in said), Usage())
    return sum((usage for step, usage in said if step >= kept["step"]), sum(models_before(kept).values(), Usage()))


def models_before(kept: UsedBefore | None) -> dict[str, Usage]:
    """Return what models have used that another one went on from, by their names; `kept` is a run's `used_before`."""
    return {} if kept is None else {model: Usage(*used) for model, used in kept["models"].items()}


def own_of(used: Usage, others: Iterable[Usage]) -> Usage:
    """Return what of these tokens is not of `others`; of neither kind less than none."""
    of_others = sum(others, Usage())
    return Usage(
        max(0, used.input_tokens - of_others.input_tokens), max(0, used.output_tokens - of_others.output_tokens)
    )


def _used_before(run: Run, used: Usage, step: int) -> UsedBefore:
    """Return a run's `used_before` as its model is left; of all that was `used`, the model has what no other one has."""
    models = models_before(run.used_before)
    own = models.get(run.model, Usage()) + own_of(used, models.values())
    models[run.model] = own
    return {"step": step, "models": {name: [one.input_tokens, one.output_tokens] for name, one in models.items()}}
