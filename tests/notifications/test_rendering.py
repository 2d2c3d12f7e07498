"""Rendering: the template that fits best, filled; HTML that can do nothing."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Application, Organization
from notifications.cleaning import clean_html, validate_template
from notifications.errors import CannotBuild
from notifications.messages import Rendered, Template
from notifications.models import Channel, MessageTemplate, NotificationType, RecipientType
from notifications.rendering import TemplateBook, masked, render, templates_for
from tests.notifications.messages import APPLICATION, LINK, TICKET, make_message, make_snapshot


def make_template(locale: str = "en", *, html: str = "") -> Template:
    return Template(
        locale=locale, subject="For {{firstName}}", text="On {{dd MMMM}}: {{link}}", html=html
    )


def make_book(*locales: str, default: str = "fr-FR") -> TemplateBook:
    templates = {locale: make_template(locale) for locale in locales}
    own: dict[tuple[UUID, str, str], dict[str, Template]] = {
        (APPLICATION, type_, Channel.EMAIL): templates for type_ in NotificationType
    }
    return TemplateBook(own, {APPLICATION: default})


def find(book: TemplateBook, locale: str, **kwargs: RecipientType) -> Template:
    return book.find(APPLICATION, NotificationType.CREATE, Channel.EMAIL, locale, **kwargs)


# --- Which template --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locales", "wanted", "expected"),
    [
        (["de", "de-AT", "de-CH"], "de-AT", "de-AT"),
        (["de", "de-AT"], "de-CH", "de"),
        (["de-CH", "de-AT"], "de", "de-AT"),
        (["fr-FR", "it"], "de-DE", "fr-FR"),
        (["fr", "it"], "de-DE", "fr"),
    ],
)
def test_application_template_is_that_of_the_locale_then_language_then_default(
    locales: list[str], wanted: str, expected: str
) -> None:
    template = find(make_book(*locales), wanted)

    assert (template.locale, template.is_builtin) == (expected, False)


@pytest.mark.parametrize(
    ("wanted", "expected"), [("de-DE", "de"), ("de", "de"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_without_one_the_builtin_template_of_the_language_is_taken(
    wanted: str, expected: str
) -> None:
    template = find(TemplateBook(), wanted)

    assert (template.locale, template.is_builtin) == (expected, True)


def test_template_in_a_language_nobody_asked_for_is_not_taken() -> None:
    template = find(make_book("it", default="en-US"), "de-DE")

    assert (template.locale, template.is_builtin) == ("de", True)


def test_agent_is_not_told_what_was_worded_for_customers() -> None:
    template = find(make_book("en"), "en", recipient_type=RecipientType.AGENT)

    assert template.is_builtin


def test_template_of_a_type_for_agents_alone_is_theirs() -> None:
    template = make_book("en").find(
        APPLICATION,
        NotificationType.REASSIGN,
        Channel.EMAIL,
        "en",
        recipient_type=RecipientType.AGENT,
    )

    assert not template.is_builtin


def test_what_only_webhooks_hear_of_cannot_be_built() -> None:
    with pytest.raises(CannotBuild):
        TemplateBook().find(APPLICATION, NotificationType.NO_SHOW, Channel.EMAIL, "en")


@pytest.mark.django_db
def test_templates_of_a_batch_take_one_query() -> None:
    applications = [make_application(texts=count) for count in (1, 3)]
    others = make_application(texts=1)

    with CaptureQueriesContext(connection) as queries:
        book = templates_for(applications)

    assert len(queries) == 1
    assert {key[0] for key in book.own} == set(applications)
    assert others not in book.default_locales
    found = book.find(applications[1], NotificationType.CREATE, Channel.EMAIL, "de-AT")
    assert found == Template(locale="de", subject="S", text="T", html="<p>H</p>")


def make_application(*, texts: int) -> UUID:
    organization = Organization.objects.create(name="Northwind Care")
    application = Application.objects.create(organization=organization, name="Video desk")
    MessageTemplate.objects.bulk_create(
        MessageTemplate(
            organization=organization,
            application=application,
            type=type_,
            channel=Channel.EMAIL,
            locale="de",
            subject="S",
            text="T",
            html="<p>H</p>",
        )
        for type_ in list(NotificationType)[:texts]
    )
    return application.id


# --- What it says ----------------------------------------------------------------------------


def test_template_is_filled_in_all_its_parts() -> None:
    template = make_template(html='<p>{{firstName}}</p><a href="{{link}}">Join</a>')

    rendered = render(make_message(first_name="Ann <3"), template)

    assert rendered == Rendered(
        subject="For Ann <3",
        text=f"On 02 March: {LINK}\n",
        html="""\
<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>For Ann &lt;3</title>
</head>
<body style="margin:0;padding:16px">
"""
        f'<p>Ann &lt;3</p><a href="{LINK}" rel="noopener noreferrer">Join</a>'
        "\n</body>\n</html>\n",
    )


def test_template_without_html_gets_one_from_its_text() -> None:
    template = Template(
        locale="en", subject="S", text="Dear {{firstName}} <you>\nand\n\nOpen {{link}}", html=" "
    )

    rendered = render(make_message(first_name="Ann & Bob"), template)

    assert (
        "<p>Dear Ann &amp; Bob &lt;you&gt;<br>\nand</p>\n"
        f'<p>Open <a href="{LINK}" rel="noopener noreferrer">{LINK}</a></p>' in rendered.html
    )


def test_short_message_has_no_html_and_no_line_end() -> None:
    rendered = render(make_message(channel=Channel.SMS), make_template(html="<p>x</p>"))

    assert rendered == Rendered(subject="For Anna", text=f"On 02 March: {LINK}", html="")


@pytest.mark.parametrize(
    ("template_locale", "wanted", "expected"),
    [
        ("en", "en-US", "March 2, 2026"),
        ("en", "en-GB", "2 March 2026"),
        ("en", "fr-FR", "March 2, 2026"),
        ("de", "fr-FR", "2. März 2026"),
    ],
)
def test_dates_are_in_the_language_of_the_text(
    template_locale: str, wanted: str, expected: str
) -> None:
    template = Template(locale=template_locale, subject="{{date}}", text="x", html="")

    rendered = render(make_message(snapshot=make_snapshot(locale=wanted)), template)

    assert rendered.subject == expected


def test_text_for_readers_from_right_to_left_says_so() -> None:
    template = Template(locale="ar", subject="S", text="T", html="")

    assert '<html lang="ar" dir="rtl">' in render(make_message(), template).html


def test_subject_stays_on_one_line_and_within_its_column() -> None:
    template = Template(locale="en", subject="A\r\nBcc: x\n{{title}}", text="x", html="")
    message = make_message(facts={"title": "y\n" * 255})

    rendered = render(message, template)

    assert rendered.subject.startswith("A Bcc: x y y")
    assert (len(rendered.subject), rendered.subject[-1]) == (250, "…")
    assert rendered.subject.isprintable()


def test_message_that_grows_without_measure_cannot_be_built() -> None:
    template = Template(locale="en", subject="S", text="{{title}}" * 5_000, html="")

    with pytest.raises(CannotBuild):
        render(make_message(facts={"title": "x" * 255}), template)


def test_masked_text_lets_nobody_in() -> None:
    template = Template(
        locale="en",
        subject="{{link}}",
        text="{{link}} https://elsewhere.example/?to={{link}}",
        html='<a href="{{link}}">{{link}}</a>',
    )

    kept = masked(render(make_message(), template), LINK)

    assert kept.subject == "https://frontdesk.example/q/***"
    assert TICKET not in kept.text + kept.html
    assert '<a href="https://frontdesk.example/q/***"' in kept.html


def test_text_without_a_link_is_kept_as_it_is() -> None:
    rendered = render(make_message(link=None), make_template())

    assert masked(rendered, None) == rendered


# --- HTML that can do nothing ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Hi</p><script>alert(1)</script>", "<p>Hi</p>"),
        ("<style>p{color:red}</style><p onclick='x()'>Hi</p>", "<p>Hi</p>"),
        ("<html><head><title>T</title></head><body><p>Hi</p></body></html>", "<p>Hi</p>"),
        ("<iframe src='https://a.example'></iframe><!-- c -->", ""),
        ("<form action='https://a.example'><input name=x></form>", ""),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<p style="position:fixed;color:red">x</p>', '<p style="color:red">x</p>'),
        ('<p style="color:{{zone}}">x</p>', "<p>x</p>"),
        ('<p lang="{{zone}}" title="{{firstName}}">x</p>', '<p title="{{firstName}}">x</p>'),
        ('<a href="{{firstName}}">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="java{{zone}}script:x">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="https://evil{{link}}">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href="{{ link }}">x</a>', '<a href="{{ link }}" rel="noopener noreferrer">x</a>'),
    ],
)
def test_html_is_cleaned(html: str, expected: str) -> None:
    assert clean_html(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td bgcolor='#eee' width=100>{{firstName}}</td></tr></table>",
        "<div><p>{{EEEE, d MMMM yyyy}} &amp; {{time}}</div>",
        "<a href='https://a.example/?a=1&b={{link}}'>x</a>",
        "<<b>{{unclosed",
    ],
)
def test_cleaning_twice_changes_nothing_more(html: str) -> None:
    assert clean_html(clean_html(html)) == clean_html(html)


def test_stored_html_is_cleaned_again_when_rendering() -> None:
    rendered = render(make_message(), make_template(html="<p>Hi</p><script>alert(1)</script>"))

    assert "script" not in rendered.html


def test_token_cannot_take_the_quotes_between_two_attributes_along() -> None:
    html = '<p title="{{a">}} x</p><b title="y onmouseover=alert(1) z">{{b</b>'

    rendered = render(make_message(), make_template(html=html))

    body = rendered.html.partition("<body")[2]
    assert '<b title="y onmouseover=alert(1) z">' in body
    assert body.count('"') % 2 == 0


def test_value_cannot_leave_its_place_in_html() -> None:
    sly = make_message(first_name='"><script>alert(1)</script>', link='https://a.example/"><b>')
    html = '<p title="{{firstName}}">{{firstName}}</p><a href="{{link}}">x</a>'

    rendered = render(sly, make_template(html=html))

    assert "<script" not in rendered.html
    assert "<b>" not in rendered.html


# --- What may be saved -----------------------------------------------------------------------


def test_template_that_is_in_order_may_be_saved() -> None:
    errors = validate_template(
        "Video appointment reminder",
        "Dear {{firstName}},\n\nyour call is on {{dd-MM-yyyy}} {{time24}} {{zone}}",
        '<p title="{{title}}">{{date}}</p><a href="{{link}}">Join</a>',
    )

    assert errors == {}


def test_template_with_faults_is_refused_by_field() -> None:
    errors = validate_template("Hi {{name}}", " ", '<p style="color:{{zone}}">{{firstName</p>')

    assert errors == {
        "subject": ["The token {{name}} is not known."],
        "text": ["A message needs a text."],
        "html": [
            'These braces are not those of a token: “="color:">{{firstName</p>”.',
            (
                "The token {{zone}} stands where nothing can be put in: only {{link}} may stand in"
                " an address, and no token in styles, scripts and comments."
            ),
        ],
    }


def test_subject_is_one_line() -> None:
    assert validate_template("a\nb", "x", "") == {
        "subject": ["A subject is one line without control characters."]
    }


def test_html_has_no_end_of_tags() -> None:
    assert validate_template("a", "x", "<b><div>" * 25_000) == {
        "html": ["The HTML has more than 10000 tags."]
    }


def test_mail_needs_a_subject_and_a_short_message_none() -> None:
    assert validate_template("", "x", "") == {"subject": ["An e-mail needs a subject."]}
    assert validate_template("", "x", "", channel=Channel.SMS) == {}


def test_unknown_application_has_the_builtin_templates() -> None:
    assert make_book("en").find(uuid4(), NotificationType.CREATE, Channel.EMAIL, "en").is_builtin
