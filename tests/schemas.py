"""Judging an answer by the schema that the documents give for it."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]


def is_valid(document: dict[str, Any], schema: dict[str, Any], value: object) -> bool:
    """Whether `value` matches `schema`, whose references point into `document`."""
    return bool(_validator(document, schema).is_valid(value))


def assert_valid(document: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    """Fail with the first mismatch of `value` against `schema`."""
    _validator(document, schema).validate(value)


def assert_is_schema(schema: dict[str, Any]) -> None:
    """Fail where `schema` is no JSON Schema itself."""
    Draft202012Validator.check_schema(schema)


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    whole = {**schema, "components": document["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())
