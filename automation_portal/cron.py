"""What is done again and again, read by `manage.py rqcron automation_portal.cron`."""

from django.conf import settings
from rq.cron import register

import aws.jobs
import common.upkeep
import documents.jobs
import executions.jobs
from executions.reconciling import INTERVAL_SECONDS

PUBLICATIONS_SECONDS = 60
IDENTITIES_SECONDS = 60
PURGE_SECONDS = 600
STATISTICS_SECONDS = 24 * 60 * 60

# A job that no worker took before the next one came has nothing left to do: it leaves the queue by itself.
register(executions.jobs.reconcile, "default", interval=INTERVAL_SECONDS, ttl=INTERVAL_SECONDS, result_ttl=0)
register(
    documents.jobs.resume_publications,
    "default",
    interval=PUBLICATIONS_SECONDS,
    ttl=PUBLICATIONS_SECONDS,
    result_ttl=0,
)
register(aws.jobs.resume_checks, "default", interval=IDENTITIES_SECONDS, ttl=IDENTITIES_SECONDS, result_ttl=0)
register(common.upkeep.keep_statistics, "default", interval=STATISTICS_SECONDS, result_ttl=0)
if settings.RETENTION_DAYS:
    register(executions.jobs.purge_runs, "default", interval=PURGE_SECONDS, ttl=PURGE_SECONDS, result_ttl=0)
