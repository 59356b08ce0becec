"""What is done again and again."""

import importlib

import pytest
import redis
from rq.cron import create_cron

import automation_portal.cron


@pytest.mark.parametrize(("days", "purges"), [(0, False), (400, True)])
def test_old_runs_are_removed_only_where_a_setting_says_so(settings, days, purges):
    settings.RETENTION_DAYS = days
    create_cron(redis.Redis())
    importlib.reload(automation_portal.cron)
    names = {job.func_name for job in create_cron(redis.Redis()).get_jobs()}
    assert "executions.jobs.reconcile" in names
    assert ("executions.jobs.purge_runs" in names) == purges
