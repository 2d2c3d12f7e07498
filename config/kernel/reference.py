"""The reference of the APIs as pages: Swagger UI and Redoc, from our own static files."""

from __future__ import annotations

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

# Both write their styles while they run; scripts stay as strict as everywhere.
_STYLES: dict[str, Any] = {"style-src": [SELF, UNSAFE_INLINE]}


@method_decorator(csp_update(_STYLES), name="dispatch")
class SwaggerPage(SpectacularSwaggerSplitView):
    """Try the operations out."""


@method_decorator(csp_update(_STYLES), name="dispatch")
class RedocPage(SpectacularRedocView):
    """Read about the operations."""
