"""The pages at /dev/mail/: what the mail catcher has kept."""

from __future__ import annotations

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from config.local.mailbox import Mail, Maildrop

_PAGE = 50
# A message is somebody else's document: no script, no origin, no request to anywhere. Its links
# open in a window of their own, outside the sandbox.
_SANDBOX = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


def _maildrop() -> Maildrop:
    return Maildrop(settings.FRONTDESK_HOME / "mail")


def _mail(mail_id: str) -> Mail:
    mail = _maildrop().mail(mail_id)
    if mail is None:
        raise Http404("There is no such message.")
    return mail


@require_safe
def list_mail(request: HttpRequest) -> HttpResponse:
    """Show the messages, the newest first."""
    maildrop = _maildrop()
    page = Paginator(maildrop.ids(), _PAGE).get_page(request.GET.get("page"))
    summaries = list(maildrop.summaries(list(page.object_list)))
    return render(request, "local/mail_list.html", {"page": page, "summaries": summaries})


@require_safe
def show_mail(request: HttpRequest, mail_id: str) -> HttpResponse:
    """Show one message."""
    return render(request, "local/mail.html", {"mail": _mail(mail_id)})


@require_safe
def show_html(_request: HttpRequest, mail_id: str) -> HttpResponse:
    """Show the HTML of a message, locked into itself, for the frame on its page."""
    html = _mail(mail_id).html
    if html is None:
        raise Http404("The message has no HTML.")
    response = HttpResponse('<base target="_blank">' + html)
    response["Content-Security-Policy"] = _SANDBOX
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_safe
def show_source(_request: HttpRequest, mail_id: str) -> HttpResponse:
    """Show a message as it came."""
    source = _maildrop().source(mail_id)
    if source is None:
        raise Http404("There is no such message.")
    return HttpResponse(source, content_type="text/plain; charset=utf-8")


@require_safe
def download_attachment(_request: HttpRequest, mail_id: str, number: int) -> HttpResponse:
    """Hand over one file of a message."""
    attachments = _mail(mail_id).attachments
    if not 1 <= number <= len(attachments):
        raise Http404("The message has no such file.")
    attachment = attachments[number - 1]
    return HttpResponse(
        attachment.content,
        content_type=attachment.content_type,
        headers={
            "Content-Disposition": content_disposition_header(True, attachment.name)
            or "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
