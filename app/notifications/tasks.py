"""The job that hands one mail to the operator's relay."""

from __future__ import annotations

import structlog

from app import jobs
from app.context import Context
from app.kit.threads import in_thread
from app.notifications import service
from app.settings import SmtpSettings
from connectors.errors import ConnectorError
from connectors.mail import SmtpSecurity, SmtpServer
from connectors.mail import send as hand_over

_log = structlog.get_logger()


async def send(context: Context, job: jobs.ClaimedJob) -> None:
    """Sends outside any transaction. Killed between the relay's yes and the record, the mail goes
    out again under the same Message-ID. Without a relay the mail waits, looked at each hour."""
    smtp = context.settings.smtp
    async with context.unit(job.tenant_id) as session:
        mail = await service.owed(session, context, job)
        if mail is None:
            return
        if smtp.host is None:
            later = context.clock() + service.HOURLY
            await jobs.retry(session, job, run_after=later, error="no_mail_relay")
            return
    server = _server(smtp, smtp.host)
    try:
        await in_thread(lambda: hand_over(mail, server))
    except ConnectorError as e:
        _log.warning("mail_not_sent", job=str(job.id), error=type(e).__name__)
        async with context.unit(job.tenant_id) as session:
            await service.record_failure(session, job, e, now=context.clock())
        return
    async with context.unit(job.tenant_id) as session:
        await service.record_sent(session, job, now=context.clock())


def _server(smtp: SmtpSettings, host: str) -> SmtpServer:
    return SmtpServer(
        host=host,
        port=smtp.port,
        security=SmtpSecurity.STARTTLS if smtp.starttls else SmtpSecurity.NONE,
        login=smtp.login,
        password=smtp.password.get_secret_value() if smtp.password else None,
    )
