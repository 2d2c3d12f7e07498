"""Our settings without our middleware, and the framework's own defaults for everything else."""

from typing import Any

from config.settings import *  # noqa: F403  # the same database, the same applications

MIDDLEWARE = []
ROOT_URLCONF = "tests.bench.peers.urls"
_PLAIN: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 25,
    "UNAUTHENTICATED_USER": None,
}
REST_FRAMEWORK = _PLAIN
