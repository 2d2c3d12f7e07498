"""Fields of the wire, as every surface reads and writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.kernel import limits
from config.kernel.http import header_problem
from config.kernel.json import MalformedJson, loads
from config.kernel.time import (
    Duration,
    format_instant,
    parse_duration,
    parse_instant,
    parse_locale,
    parse_zone,
    unquote,
)


class TextField(serializers.CharField):
    """A JSON string, kept as it was sent; numbers are not taken for texts."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """True or false: a switch is not thrown by a word that looks like one."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:40])
        return data


class WholeNumberField(serializers.IntegerField):
    """A whole number as JSON has it."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class _ParsedField(serializers.Field[Any, Any, Any, Any]):
    """A string that means something else; surrounding double quotes are taken off (conventions)."""

    default_error_messages = {"invalid": "Not a valid string."}
    parse: Callable[[str], Any]

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            return type(self).parse(unquote(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(_ParsedField):
    parse = staticmethod(parse_instant)

    def to_representation(self, value: datetime) -> str:
        return format_instant(value)


@extend_schema_field(OpenApiTypes.DURATION)
class IsoDurationField(_ParsedField):
    parse = staticmethod(parse_duration)

    def to_representation(self, value: Duration) -> str:
        return str(value)


@extend_schema_field(OpenApiTypes.STR)
class ZoneField(_ParsedField):
    parse = staticmethod(parse_zone)

    def to_representation(self, value: ZoneInfo) -> str:
        return value.key


@extend_schema_field(OpenApiTypes.STR)
class LocaleField(_ParsedField):
    parse = staticmethod(parse_locale)

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """Free data: a JSON object, as it was sent."""

    default_error_messages = {
        "object": "Not an object.",
        "too_large": f"Larger than {limits.METADATA_BYTES} bytes.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("object")
        if len(orjson.dumps(data)) > limits.METADATA_BYTES:
            self.fail("too_large")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class StringMapField(serializers.Field[Any, Any, Any, Any]):
    """An object of strings, or a JSON string that itself holds one (schedule.r25)."""

    default_error_messages = {
        "object": "Not an object of strings.",
        "too_many": f"More than {limits.MAP_ENTRIES} entries.",
        "too_long": "A name or a value is too long.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, str) and data:
            try:
                data = loads(data.encode())
            except MalformedJson:
                self.fail("object")
        if not isinstance(data, dict) or not all(isinstance(one, str) for one in data.values()):
            self.fail("object")
        if len(data) > limits.MAP_ENTRIES:
            self.fail("too_many")
        if any(
            len(name) > limits.MAP_KEY_LENGTH or len(value) > limits.MAP_VALUE_LENGTH
            for name, value in data.items()
        ):
            self.fail("too_long")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class HeadersField(StringMapField):
    """Names and values that can travel as HTTP headers (schedule.r26)."""

    default_error_messages = {
        "headers": f"More than {limits.HEADERS_MAX} headers.",
        "length": f"A name or a value is longer than {limits.HEADER_VALUE_LENGTH} characters.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        headers = super().to_internal_value(data)
        if len(headers) > limits.HEADERS_MAX:
            self.fail("headers")
        for name, value in headers.items():
            if len(value) > limits.HEADER_VALUE_LENGTH:
                self.fail("length")
            if problem := header_problem(name, value):
                raise serializers.ValidationError(problem)
        return headers


class PhoneField(TextField):
    default_error_messages = {"digits": "A phone number has digits."}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and not any(character.isdigit() for character in text):
            self.fail("digits")
        return text


class MailField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)
