"""A run whose model failed: who answers, and what is kept of the one that was asked for."""

from dataclasses import replace

from agent.store.runs import Run


def changed(run: Run, model: str, reason: str) -> Run:
    """Return the run as another model goes on with it. The first change is kept; coming back to where it began is none."""
    first = run.model_changed or {"from": run.model, "reason": reason}
    return replace(run, model=model, model_changed=None if first["from"] == model else first)


def asked_model(run: Run) -> str:
    """Return the model that was asked for, whichever answers."""
    return run.model_changed["from"] if run.model_changed else run.model
