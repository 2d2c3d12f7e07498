"""Fields of the catalogue's wire: translated texts, places, and texts that may be null."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.settings import api_settings

from config.kernel import limits
from config.kernel.fields import IsoDurationField, MailField, TextField
from config.kernel.time import Duration
from config.kernel.wording import Malformed, checked_location, texts_of

_TRANSLATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "value": {"type": "string"},
            "language": {"type": "string", "description": "ISO 639-1", "example": "en"},
        },
        "required": ["value", "language"],
    },
}
_LOCATION = {
    "type": "object",
    "properties": {
        "postalCode": {"type": ["string", "null"]},
        "countryCode": {"type": "string", "description": "ISO 3166-1 alpha-2", "example": "BE"},
        "geolocation": {
            "type": "object",
            "properties": {
                "latitude": {"type": "number", "minimum": -90, "maximum": 90},
                "longitude": {"type": "number", "minimum": -180, "maximum": 180},
            },
            "required": ["latitude", "longitude"],
        },
        "translations": {
            "type": "object",
            "properties": dict.fromkeys(("city", "street1", "street2", "state"), _TRANSLATIONS),
            "required": ["city"],
        },
    },
    "required": ["countryCode", "geolocation", "translations"],
}


def _refusal(error: Malformed) -> serializers.ValidationError:
    whole = api_settings.NON_FIELD_ERRORS_KEY
    return serializers.ValidationError(
        {path or whole: problems for path, problems in error.problems.items()}
    )


@extend_schema_field(_TRANSLATIONS)
class TranslationsField(serializers.Field[Any, Any, Any, Any]):
    """A text in several languages: a list of {value, language} that is kept by language."""

    def __init__(
        self, *, longest: int = limits.NOTES_LENGTH, is_needed: bool = False, **kwargs: Any
    ) -> None:
        self.longest, self.is_needed = longest, is_needed
        super().__init__(required=is_needed, **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        try:
            return texts_of(data, longest=self.longest, is_needed=self.is_needed)
        except Malformed as error:
            raise _refusal(error) from None

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(_LOCATION)
class LocationField(serializers.Field[Any, Any, Any, Any]):
    """A place, whole: with its country, coordinates and city."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return checked_location(data)
        except Malformed as error:
            raise _refusal(error) from None

    def to_representation(self, value: Any) -> Any:
        return value


class OptionalTextField(TextField):
    """A text that may be left out, empty or null, which all mean the same."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "allow_blank": True} | kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value


class OptionalMailField(MailField):
    """An e-mail address that may be left out, empty or null."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "allow_null": True, "allow_blank": True} | kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        return "" if value is None else value


@extend_schema_field(OpenApiTypes.DURATION)
class LengthField(IsoDurationField):
    """A duration that is measured: a day of it has 24 hours."""

    def to_internal_value(self, data: Any) -> timedelta:
        duration: Duration = super().to_internal_value(data)
        return duration.value
