import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import msgspec
import pytest

from builders import T0_S, WebPlant, site, snapshot
from lineside.core.model import Status
from lineside.hub.frame import (
    connection_status_payload,
    equipment_status_payload,
    pong_payload,
)
from lineside.web.documents import asyncapi_document, openapi_document
from schemas import assert_is_schema, assert_valid, is_valid

CONTRACT = Path(__file__).parents[2] / "docs" / "reference" / "contract.md"
MESSAGE_SCHEMAS = {
    "equipment_status": "EquipmentStatusMessage",
    "connection_status": "ConnectionStatusMessage",
    "ping": "PingMessage",
    "pong": "PongMessage",
}


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(each) for each in value.values()))
    if isinstance(value, list):
        return set().union(*(references(each) for each in value))
    return set()


def resolve(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def named(schema: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{schema}"}


def contract_examples() -> list[dict[str, Any]]:
    blocks = re.findall(r"```json\n(.*?)```", CONTRACT.read_text(encoding="utf-8"), re.DOTALL)
    return [msgspec.json.decode(block) for block in blocks]


@pytest.mark.parametrize("document", [openapi_document(), asyncapi_document()])
def test_every_reference_resolves_and_every_schema_is_a_schema(document: dict[str, Any]) -> None:
    assert references(document)
    for reference in references(document):
        assert resolve(document, reference) is not None
    for schema in document["components"]["schemas"].values():
        assert_is_schema(schema)


def test_openapi_names_every_route_once_and_refuses_with_problem_documents() -> None:
    document = openapi_document()
    assert document["openapi"].startswith("3.1.")
    operations = [each for path in document["paths"].values() for each in path.values()]
    methods = {method for path in document["paths"].values() for method in path}
    assert methods == {"get", "post", "delete"}
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        for status, response in operation["responses"].items():
            if status.startswith("4"):
                assert list(response["content"]) == ["application/problem+json"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_asyncapi_has_the_parts_that_version_3_asks_for() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    channels = document["channels"]
    assert {channel["address"] for channel in channels.values()} == {
        "/ws/monitor",
        "/ws/monitor/{line}",
    }
    for channel in channels.values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel.get("parameters", {}))
        assert set(channel["messages"]) == set(MESSAGE_SCHEMAS)
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel_reference = operation["channel"]["$ref"]
        assert channel_reference.startswith("#/channels/")
        for message in operation["messages"]:
            # Version 3 wants messages referenced through the operation's own channel.
            assert message["$ref"].startswith(f"{channel_reference}/messages/")


def test_server_sends_what_asyncapi_says_it_sends_and_reads_only_ping() -> None:
    sent: dict[str, set[str]] = {"send": set(), "receive": set()}
    for operation in asyncapi_document()["operations"].values():
        sent[operation["action"]] |= {each["$ref"].split("/")[-1] for each in operation["messages"]}
    assert sent == {
        "send": {"equipment_status", "connection_status", "pong"},
        "receive": {"ping"},
    }


def test_close_codes_are_told_with_what_a_client_should_do() -> None:
    for channel in asyncapi_document()["channels"].values():
        codes = {each["code"]: each["advice"] for each in channel["x-close-codes"]}
        assert {1003, 1008, 1009, 1012} <= codes.keys()
        assert all(codes.values())
        assert all(f"* {code}: " in channel["description"] for code in codes)


def test_examples_in_asyncapi_match_their_schemas() -> None:
    document = asyncapi_document()
    for message in document["components"]["messages"].values():
        schema = message["payload"]["$ref"].rsplit("/", 1)[1]
        for example in message["examples"]:
            assert_valid(document, named(schema), example["payload"])


def test_examples_in_the_contract_match_the_schemas() -> None:
    examples = contract_examples()
    assert {example["type"] for example in examples} == set(MESSAGE_SCHEMAS)
    for example in examples:
        if example["type"] == "connection_status":
            example["equipment"] = []  # ours carries it; a client need not know
        assert_valid(asyncapi_document(), named(MESSAGE_SCHEMAS[example["type"]]), example)


def test_what_the_hub_encodes_matches_the_schemas() -> None:
    plant = site()
    payloads = [
        equipment_status_payload(snapshot(plant).lines[0], T0_S),
        connection_status_payload("connected", "hello", T0_S),
        pong_payload(T0_S),
        pong_payload(T0_S, "2025-11-03T10:30:45.100Z"),
    ]
    for document in (openapi_document(), asyncapi_document()):
        for payload in payloads:
            message = msgspec.json.decode(payload)
            schema = MESSAGE_SCHEMAS[message["type"]]
            assert_valid(document, named(schema), message)
            # Nothing undocumented goes over the wire.
            assert message.keys() <= document["components"]["schemas"][schema]["properties"].keys()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("EquipmentStatusMessage", {"type": "equipment_status", "timestamp": "now"}),
        ("ConnectionStatusMessage", {"type": "connection_status", "status": "connected"}),
        (
            "ConnectionStatusMessage",  # without the empty list that the server always sends
            {
                "type": "connection_status",
                "timestamp": "2025-11-03T10:30:45.123Z",
                "status": "connected",
                "message": "",
            },
        ),
        ("PongMessage", {"type": "ping", "timestamp": "2025-11-03T10:30:45.123Z"}),
        ("TagsMessage", {"status_tag": "1", "error_tag": 0, "connection": True}),
    ],
)
def test_schemas_refuse_what_the_contract_does_not_allow(
    schema: str, message: dict[str, Any]
) -> None:
    assert not is_valid(asyncapi_document(), named(schema), message)


def test_messages_in_openapi_are_the_ones_in_asyncapi_and_know_the_five_statuses() -> None:
    rest, messages = openapi_document()["components"], asyncapi_document()["components"]
    for name in (*MESSAGE_SCHEMAS.values(), "EquipmentMessage", "TagsMessage"):
        assert rest["schemas"][name] == messages["schemas"][name]
    for components in (rest, messages):
        assert set(components["schemas"]["Status"]["enum"]) == set(Status)


@pytest.mark.parametrize("address", ["/openapi.json", "/asyncapi.json"])
async def test_documents_are_served_as_they_are_printed(address: str) -> None:
    plant = WebPlant()
    answer = await plant.ask(address)
    printed = openapi_document() if address == "/openapi.json" else asyncapi_document()
    assert answer.json() == msgspec.json.decode(msgspec.json.encode(printed))
    again = await plant.ask(address, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_a_document_that_many_ask_for_at_once_is_put_together_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant = WebPlant()
    made: list[object] = []

    def counted() -> dict[str, Any]:
        made.append(document := openapi_document())
        return document

    monkeypatch.setattr("lineside.web.http.openapi_document", counted)
    answers = await asyncio.gather(*(plant.ask("/openapi.json") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(made) == 1


async def test_docs_page_loads_only_what_this_server_serves() -> None:
    plant = WebPlant()
    for address in ("/docs", "/docs/"):
        page = await plant.ask(address)
        assert page.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        here = [urljoin(f"http://plant{address}", each) for each in loaded]
        assert all(re.match(r"^http://plant/(docs/)?[a-z-]+\.[a-z]+$", each) for each in here)
        assert not any(each.startswith("/") for each in loaded), "a proxy may show it in a folder"
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)  # the policy allows none inline
        assert "script-src" not in page.headers["content-security-policy"]
        assert page.headers["content-security-policy"].startswith("default-src 'self';")
    script = await plant.ask("/docs/docs-init.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "http" not in script.text
