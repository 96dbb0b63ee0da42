"""The interface as documents: OpenAPI for REST, AsyncAPI for the WebSocket.

Both are made from the code that answers, without a running server. The schemas of the WebSocket
messages come from the structs that the hub encodes, and stand in both documents, so that the
monitor's types can be generated from one file.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from lineside import __version__
from lineside.core import limits
from lineside.core.model import Instant
from lineside.hub import frame
from lineside.hub.close_codes import REASONS, CloseCode
from lineside.web.live import LiveView
from lineside.web.problem import PROBLEM_MEDIA_TYPE
from lineside.web.rest import add_rest_routes
from lineside.web.views import ServerInfo

Document = dict[str, Any]

_MESSAGES = (
    frame.EquipmentStatusMessage,
    frame.EquipmentMessage,
    frame.TagsMessage,
    frame.ConnectionStatusMessage,
    frame.PongMessage,
)

_DESCRIPTIONS: dict[str, dict[str, str]] = {
    "EquipmentStatusMessage": {
        "": "The whole line, once a second on the whole second. Each replaces the one before.",
        "timestamp": "The tick this message stands for.",
        "equipment": "Every machine of the line, in configured order.",
    },
    "EquipmentMessage": {
        "": "One machine at one tick.",
        "equipment_code": "14 characters.",
        "last_updated": "The last good read; 1970-01-01T00:00:00.000Z: never read.",
    },
    "TagsMessage": {
        "": "The values behind the status. While disconnected they keep their last good values.",
        "status_tag": "1: running, 0: not running, unless the machine has a value map.",
        "error_tag": "1: fault, 0: none.",
        "connection": "False: the machine cannot be seen at present.",
    },
    "ConnectionStatusMessage": {
        "": "`connected` at once after connecting, `disconnected` before the server goes, `error` "
        "when a message from the client could not be understood.",
        "message": "For people.",
        "equipment": "Always empty. For clients that read `equipment` from every message.",
    },
    "PongMessage": {
        "": "The answer to a ping.",
        "timestamp": "The server's time.",
        "ping_timestamp": "The ping's own `timestamp`, where it had one of reasonable length.",
    },
}

_PING_SCHEMA: Document = {
    "title": "PingMessage",
    "type": "object",
    "description": "Asks for a pong. The only message a client may send, about once a second.",
    "properties": {
        "type": {"const": "ping"},
        "timestamp": {
            "type": "string",
            "description": "The client's own time; comes back in the pong.",
        },
    },
    "required": ["type"],
}

_TIME = "2025-11-03T10:30:45.123Z"
_EXAMPLES: dict[str, Document] = {
    "equipment_status": {
        "type": "equipment_status",
        "timestamp": _TIME,
        "equipment": [
            {
                "equipment_code": "KRCWO12ELOA101",
                "equipment_name": "Upper 로봇 용접",
                "status": "running",
                "tags": {"status_tag": 1, "error_tag": 0, "connection": True},
                "last_updated": "2025-11-03T10:30:45.000Z",
            },
            {
                "equipment_code": "KRCWO12ELOA102",
                "equipment_name": "Lower 로봇 용접",
                "status": "idle",
                "tags": {"status_tag": 0, "error_tag": 0, "connection": True},
                "last_updated": "2025-11-03T10:30:45.000Z",
            },
        ],
    },
    "connection_status": {
        "type": "connection_status",
        "timestamp": _TIME,
        "status": "connected",
        "message": "WebSocket connected successfully",
        "equipment": [],
    },
    "ping": {"type": "ping", "timestamp": _TIME},
    "pong": {"type": "pong", "timestamp": _TIME, "ping_timestamp": "2025-11-03T10:30:45.100Z"},
}

_MESSAGE_SCHEMAS = {
    "equipment_status": "EquipmentStatusMessage",
    "connection_status": "ConnectionStatusMessage",
    "pong": "PongMessage",
    "ping": "PingMessage",
}

_CLOSE_ADVICE = {
    CloseCode.UNSUPPORTED_DATA: "Do not send binary messages.",
    CloseCode.POLICY_VIOLATION: "Send less; connecting again does not help by itself.",
    CloseCode.MESSAGE_TOO_BIG: "Send shorter messages.",
    CloseCode.INTERNAL_ERROR: "Connect again after a pause.",
    CloseCode.SERVICE_RESTART: "Connect again after a pause.",
    CloseCode.TRY_AGAIN_LATER: "Connect again after a longer pause.",
}


def openapi_document() -> Document:
    """Return the OpenAPI 3.1 document of the REST interface, WebSocket messages included."""
    info = ServerInfo(version=__version__, started_at_s=0.0)
    # The routes are only looked at, never asked, so a clock that stands still is enough.
    clock = Instant(unix_s=0.0, monotonic_s=0.0)
    router = APIRouter()
    add_rest_routes(router, LiveView(lambda: clock), info, lambda: clock, None)
    document = get_openapi(
        title="Lineside",
        version=__version__,
        summary="What every machine on the line is doing, once a second.",
        description="PLCs are only read; all that can be written is what people say of alarms. "
        "Times are ISO 8601 UTC with milliseconds and `Z`. Questions about "
        "the present are refused with 503 while the board does not tick. The live line comes over "
        "the WebSocket `/ws/monitor`: see `/asyncapi.json`.",
        routes=router.routes,
    )
    for path in document["paths"].values():
        for operation in path.values():
            _name_problem_media_type(operation["responses"])
    schemas = document["components"]["schemas"]
    for name, schema in _message_schemas().items():
        schemas.setdefault(name, schema)
    return document


def asyncapi_document() -> Document:
    """Return the AsyncAPI 3.0 document of the WebSocket interface."""
    messages = {
        name: {
            "name": name,
            "contentType": "application/json",
            "payload": {"$ref": f"#/components/schemas/{schema}"},
            "examples": [{"name": "contract", "payload": copy.deepcopy(_EXAMPLES[name])}],
        }
        for name, schema in _MESSAGE_SCHEMAS.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Lineside",
            "version": __version__,
            "description": "The live line over WebSocket. After the handshake the server sends "
            "`connection_status` at once and `equipment_status` once a second.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "localhost:8000",
                "protocol": "ws",
                "description": "As installed; host and port stand in the configuration.",
            }
        },
        "channels": {
            "monitor": _channel("/ws/monitor", "The first line of the configuration."),
            "lineMonitor": {
                **_channel("/ws/monitor/{line}", "Any line, by its id."),
                "parameters": {"line": {"description": "A line's id, as in `/api/lines`."}},
            },
        },
        "operations": _operations(),
        "components": {"messages": messages, "schemas": _message_schemas()},
    }


def _channel(address: str, description: str) -> Document:
    codes = "\n".join(
        f"* {code.value}: {REASONS[code]}. {advice}" for code, advice in _CLOSE_ADVICE.items()
    )
    size_kib = limits.INBOUND_MESSAGE_MAX_BYTES // 1024
    return {
        "address": address,
        "description": f"{description}\n\nClients send text messages of up to {size_kib} KiB, "
        "about one a second; what cannot be understood is answered with `connection_status` "
        f"`error`. An Origin that is not allowed gets 403.\n\nClose codes:\n{codes}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _MESSAGE_SCHEMAS},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        "x-close-codes": [
            {"code": code.value, "reason": REASONS[code], "advice": advice}
            for code, advice in _CLOSE_ADVICE.items()
        ],
    }


def _operations() -> Document:
    operations: Document = {}
    for channel in ("monitor", "lineMonitor"):
        for action, names in (
            ("send", ("equipment_status", "connection_status", "pong")),
            ("receive", ("ping",)),
        ):
            operations[f"{action}.{channel}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
            }
    return operations


def _message_schemas() -> Document:
    """Return the JSON Schema of every WebSocket message under its public name."""
    _, components = msgspec.json.schema_components(
        _MESSAGES, ref_template="#/components/schemas/{name}"
    )
    schemas: Document = {"PingMessage": copy.deepcopy(_PING_SCHEMA), **components}
    for struct in _MESSAGES:
        _complete(schemas[struct.__name__], struct, _DESCRIPTIONS[struct.__name__])
    return schemas


def _complete(schema: Document, struct: type[msgspec.Struct], texts: dict[str, str]) -> None:
    # To msgspec a field with a default may be missing; in what the server sends only UNSET can be.
    optional = {
        field.encode_name
        for field in msgspec.structs.fields(struct)
        if field.default is msgspec.UNSET
    }
    schema["required"] = [name for name in schema["properties"] if name not in optional]
    schema["description"] = texts[""]
    for name, field_schema in schema["properties"].items():
        field_schema.pop("default", None)
        if name in {"timestamp", "last_updated"}:
            field_schema["format"] = "date-time"
        if field_schema.get("anyOf") == [{"type": "integer"}, {"type": "number"}]:
            field_schema["type"] = "number"  # JSON itself knows no integers
            del field_schema["anyOf"]
        if name in texts:
            field_schema["description"] = texts[name]


def _name_problem_media_type(responses: Document) -> None:
    for response in responses.values():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith("/ProblemView"):
            content[PROBLEM_MEDIA_TYPE] = content.pop("application/json")
