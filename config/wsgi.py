"""The WSGI application: what production runs, and what `config.asgi` hands on to."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from config.kernel.requests import Utf8Request

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
application.request_class = Utf8Request
