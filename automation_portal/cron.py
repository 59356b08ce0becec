"""What is done again and again, read by `manage.py rqcron automation_portal.cron`."""

from rq.cron import register

import aws.jobs
import documents.jobs
import executions.jobs
from executions.reconciling import INTERVAL_SECONDS

PUBLICATIONS_SECONDS = 60
IDENTITIES_SECONDS = 60

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
