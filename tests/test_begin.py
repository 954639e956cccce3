"""What surrounds the first job of a run."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from recontrast import run
from snakemake.scheduling.job_scheduler import JobScheduler


@pytest.mark.parametrize("here", [True, False])
def test_snakemakes_limit_of_jobs_a_second_goes_where_jobs_run_on_this_machine(monkeypatch, here):
    for name in ("_use_this_python", "_keep", "freeze"):
        monkeypatch.setattr(run, name, lambda *given: None)
    monkeypatch.setattr(run.lock, "acquire", lambda output: None)
    limit = object()
    workflow = SimpleNamespace(local_exec=here, scheduler=SimpleNamespace(job_rate_limiter=limit))
    run.begin(SimpleNamespace(study=SimpleNamespace(output=Path())), workflow)
    assert workflow.scheduler.job_rate_limiter is (None if here else limit)
    # A Snakemake that names it otherwise would keep its limit in silence.
    assert "if self.job_rate_limiter is None" in inspect.getsource(JobScheduler)
