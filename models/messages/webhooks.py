"""Webhooks: refused ones, why a message did not arrive, and the sentences that Slack and e-mail show."""

from __future__ import annotations

from models.messages.base import Text, Texts


class WebhookFaults(Texts):
    """Why a webhook is refused."""

    url_unreadable = Text("must be an address such as https://example.org/hook")
    url_not_https = Text(
        "must begin with https://; http:// and private addresses work only where the operator sets "
        "GANFORGE_WEBHOOK_PRIVATE=1"
    )
    url_not_http = Text("must begin with https:// or http://")
    url_with_password = Text("must not contain a user name or password; the signature shows who sends")
    url_with_fragment = Text("must not have a part after #, which is not sent")
    url_private = Text(
        "leads to this machine or a private network ({address}); webhooks go to public addresses only, unless the "
        "operator sets GANFORGE_WEBHOOK_PRIVATE=1"
    )
    url_not_mailto = Text("must be mailto: and one e-mail address, such as mailto:alice@example.org")
    mail_domain = Text("mail goes only to {domains} here, as the operator has set GANFORGE_SMTP_DOMAINS")
    no_mail_server = Text("this service has no mail server; ask its operator to set GANFORGE_SMTP_URL and _FROM")
    event_twice = Text("must not name an event twice")
    too_many_webhooks = Text("{owner} has {count} webhooks, the most allowed; delete one first")
    no_webhook = Text("webhook not found, or you have no access")
    no_delivery = Text("delivery not found, or you have no access")
    rotated_too_often = Text(
        "the secret was replaced {count} times within a day; wait until the oldest of them has run out"
    )
    mail_unsigned = Text("mail is not signed, so there is no secret to replace")
    webhook_paused = Text("this webhook is paused; resume it first")
    tests_wait = Text("{count} test messages of this webhook are already waiting; see its deliveries")


class DeliveryFaults(Texts):
    """Why a message did not arrive."""

    delivery_status = Text("the receiver answered {status}; only 200 to 299 counts as delivered")
    delivery_redirected = Text(
        "the receiver answered {status}, a redirect, which is not followed; enter the new address"
    )
    delivery_gone = Text("the receiver answered 410: it wants no more messages, and the webhook was paused")
    delivery_timed_out = Text("the receiver took longer than {limit} s")
    delivery_unresolved = Text("the name {host} could not be resolved ({error})")
    delivery_forbidden = Text("{host} is at {address}, which is not a public address; nothing was sent")
    delivery_broken = Text("no answer: {error}")
    delivery_refused_address = Text("the address is no longer allowed: {error}")
    delivery_no_mail_server = Text("this service no longer has a mail server (GANFORGE_SMTP_URL)")
    delivery_mail_refused = Text("the mail server refused it: {error}")


class WebhookTexts(Texts):
    """What Slack and e-mail show of an event."""

    told_job = Text("{name} ({recipe}, {job})")
    told_job_succeeded = Text("Job {what} succeeded.")
    told_job_failed = Text("Job {what} failed: {why}")
    told_job_canceled = Text("Job {what} was canceled.")
    told_job_paused = Text("Job {what} is paused: {why}")
    told_job_alert = Text("Job {what} raised the alert {alert}: {why}")
    told_job_stalled = Text("Job {what} stalled: {why}")
    told_evaluation = Text("Evaluation {what} is complete: {summary}")
    told_worker_lost = Text("Worker {name} of queue {queue} is lost; last seen at {since}.")
    told_worker_lost_with_job = Text(
        "A worker of queue {queue} was lost while running job {job}, which continues elsewhere."
    )
    told_test = Text("This is a test of the webhook {webhook}. It arrives here.")
    told_footer = Text("You get this because of the webhook {webhook} of {owner}. Delete it to stop these messages.")
