"""The alerts of `deploy/prometheus/alerts.yml` in the hands of `promtool`: each fires on what it is about, and on nothing less.

The series are made up, a value a minute. `test_monitoring.py` makes what alerts are about true on real processes.
"""

from pathlib import Path

import pytest
import yaml
from support.prometheus import ALERTS, alert_rules, promtool

Series = dict[str, str]
HOUR = "0+{}x60"
"""A counter that grows by so much a minute, for an hour."""


def ends(failed: int, code: str, completed: int) -> Series:
    """Return runs by their end, so many a minute."""
    return {
        f'frontdesk_runs_ended_total{{status="failed", code="{code}"}}': HOUR.format(failed),
        'frontdesk_runs_ended_total{status="completed", code=""}': HOUR.format(completed),
    }


def times(metric: str, *, quick: int, slow: int, bound: str, **labels: str) -> Series:
    """Return a histogram: so many a minute within the bound, and so many that took longer."""
    named = "".join(f', {name}="{value}"' for name, value in labels.items())
    return {
        f'{metric}_bucket{{le="{bound}"{named}}}': HOUR.format(quick),
        f'{metric}_bucket{{le="60"{named}}}': HOUR.format(quick + slow),
        f'{metric}_bucket{{le="+Inf"{named}}}': HOUR.format(quick + slow),
    }


def queue(waiting: int, *, slow: int) -> Series:
    """Return a queue of so many, and how long it takes."""
    return {
        "frontdesk_runs_active": f"{100 + waiting}x60",
        "frontdesk_runs_working": "100x60",
        **times("frontdesk_run_wait_seconds", quick=80, slow=slow, bound="5"),
    }


def calls(ok: int, failed: int) -> Series:
    """Return calls of a tool, so many a minute."""
    return {
        'frontdesk_tool_calls_total{tool="find_order", outcome="ok"}': HOUR.format(ok),
        'frontdesk_tool_calls_total{tool="find_order", outcome="error"}': HOUR.format(failed),
    }


BORN = "_x20 1x40"
"""A counter that its first event brings into the world, after twenty minutes."""
FIRST = "0x20 1x40"
"""A counter that was there before."""
CASES: dict[str, tuple[Series, Series]] = {
    "FrontdeskDown": ({'up{job="frontdesk"}': "0x60"}, {'up{job="frontdesk"}': "1x60", 'up{job="other"}': "0x60"}),
    "FrontdeskNotReady": ({"frontdesk_ready": "0x60"}, {"frontdesk_ready": "1x60"}),
    "FrontdeskLoopHangs": ({"frontdesk_loop_late_seconds": "6x60"}, {"frontdesk_loop_late_seconds": "1x60"}),
    "FrontdeskLoopLags": (
        times("frontdesk_loop_lag_seconds", quick=200, slow=40, bound="0.25"),
        times("frontdesk_loop_lag_seconds", quick=240, slow=0, bound="0.25"),
    ),
    "FrontdeskFilesRunOut": (
        {'process_open_fds{job="frontdesk"}': "900x60", 'process_max_fds{job="frontdesk"}': "1000x60"},
        {'process_open_fds{job="frontdesk"}': "700x60", 'process_max_fds{job="frontdesk"}': "1000x60"},
    ),
    "FrontdeskVersionsMixed": (
        {f'frontdesk_build_info{{version="{version}"}}': "1x60" for version in ("1", "2")},
        {f'frontdesk_build_info{{version="1", instance="{process}"}}': "1x60" for process in "ab"},
    ),
    "FrontdeskRedisAway": (
        {"frontdesk_whole": "1x60", "frontdesk_log_lag_seconds": "6x60"},
        {"frontdesk_whole": "1x60", "frontdesk_log_lag_seconds": "0x60"},
    ),
    "FrontdeskDatabaseWaits": (
        {'frontdesk_database_waiting{pool="turns"}': "1 2x60"},
        {'frontdesk_database_waiting{pool="turns"}': "1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1"},
    ),
    "FrontdeskErrorsLogged": (
        {'frontdesk_log_lines_total{level="error", event="run_broke"}': BORN},
        {
            'frontdesk_log_lines_total{level="warning", event="few_files"}': BORN,
            'frontdesk_log_lines_total{level="error", event="run_broke"}': "7x60",
        },
    ),
    "FrontdeskModelAccount": (
        ends(0, "", 9) | {'frontdesk_runs_ended_total{code="model_quota"}': FIRST},
        ends(9, "deadline", 9),
    ),
    "FrontdeskModelFails": (ends(2, "model_timeout", 8), ends(1, "model_timeout", 99)),
    "FrontdeskRunsFail": (
        ends(1, "deadline", 9),
        ends(9, "model_timeout", 9) | ends(9, "quota_exceeded", 9) | ends(1, "internal", 99),
    ),
    "FrontdeskSlowFirstToken": (
        times("frontdesk_first_token_seconds", quick=90, slow=10, bound="10"),
        times("frontdesk_first_token_seconds", quick=99, slow=1, bound="10"),
    ),
    "FrontdeskQueueGrows": (queue(30, slow=20), queue(30, slow=0)),
    "FrontdeskOverloaded": (
        {'frontdesk_problems_total{code="overloaded"}': HOUR.format(12)},
        {
            'frontdesk_problems_total{code="overloaded"}': HOUR.format(1),
            'frontdesk_problems_total{code="rate_limited"}': HOUR.format(99),
        },
    ),
    "FrontdeskBackendDown": (
        {'frontdesk_backend_changes_total{backend="orders", state="down"}': BORN},
        {'frontdesk_backend_changes_total{backend="orders", state="up"}': BORN},
    ),
    "FrontdeskToolFails": (calls(5, 5), calls(9, 1)),
    "FrontdeskToolSlow": (
        times("frontdesk_tool_seconds", quick=90, slow=10, bound="10", tool="find_order"),
        times("frontdesk_tool_seconds", quick=99, slow=1, bound="10", tool="find_order"),
    ),
}
"""Series that each alert is about, and series that are close to that and concern nobody."""


def test_the_rules_are_rules() -> None:
    """G334."""
    assert f"{len(alert_rules())} rules found" in promtool("check", "rules", ALERTS)
    assert CASES.keys() == alert_rules().keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_on_what_it_is_about_and_on_nothing_less(name: str, tmp_path: Path) -> None:
    """G334: looked at when all it waits for is over."""
    at = "25m" if {BORN, FIRST} & set(CASES[name][0].values()) else "55m"
    fires = f'count by (alertname) (ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0'
    wanted = [{"labels": f'{{alertname="{name}"}}', "value": 1}]
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": named, "values": values} for named, values in series.items()],
            "promql_expr_test": [{"expr": fires, "eval_time": at, "exp_samples": samples}],
        }
        for series, samples in zip(CASES[name], (wanted, []), strict=True)
    ]
    path = tmp_path / "alerts.test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", path)
