"""The console: forms for a server's tools, and what came of them, whatever the server says."""

import html
import json
import re
from typing import Any

import pytest
from fakes.client_world import Page, World

from demo_clients.console.schema_form import MAX_FIELDS

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"


async def call(world: World, tool: str, **typed: str) -> Page:
    """Fill the form of a tool in, and go wherever that leads."""
    return await world.browser.submit("/console/call-tool", tool=tool, **typed)


async def press(world: World, name: str, **typed: str) -> Page:
    return await world.browser.submit(f"/console/{name}", **typed)


def value_of(page: Page, name: str) -> str:
    """What stands in a control."""
    control = re.search(rf'<(input|textarea) [^>]*name="{re.escape(name)}"[^>]*>', page.text)
    assert control is not None
    if control[1] == "input":
        found = re.search(r'value="([^"]*)"', control[0])
        return html.unescape(found[1]) if found else ""
    return html.unescape(page.text[control.end() :].partition("</textarea>")[0]).removeprefix("\n")


@pytest.fixture
async def logged_in(world: World) -> World:
    await world.browser.do("log-in")
    return world


@pytest.mark.parametrize(
    "tool",
    [
        {"name": HOSTILE, "description": HOSTILE, "inputSchema": {"type": HOSTILE}},
        {"name": "t", "inputSchema": {"properties": {HOSTILE: {"type": "string"}}}},
        {"name": "t", "inputSchema": {"properties": {'"onfocus=x': {"type": "integer"}}}},
        {
            "name": "t",
            "inputSchema": {
                "properties": {
                    "a": {"type": "string", "description": HOSTILE, "default": HOSTILE},
                    "b": {"enum": [HOSTILE]},
                    "c": {"type": "string", "format": HOSTILE, "maxLength": 9, "default": HOSTILE},
                    "d": {"type": "string", "pattern": "(a+)+$"},
                    "e": {"default": HOSTILE},
                }
            },
        },
        {"name": "t", "inputSchema": {"properties": {"a": {}}, "required": ["b"]}},
        {"name": "t", "inputSchema": []},
        {"name": "t", "inputSchema": {"properties": {"a": {"enum": ["x" * 5000]}}}},
    ],
)
async def test_a_hostile_tool_is_only_text(world: World, tool: dict[str, Any]) -> None:
    world.resource.tools = [tool]
    await world.browser.do("log-in")
    page = await world.browser.get("/console")
    assert page.status == 200
    assert page.has("call-tool")
    assert not re.search(r"<script|<img", page.text)
    assert not re.search(r"<[^>]*\son\w+=[^>]*>", re.sub(r'"[^"]*"', '""', page.text))


async def test_the_heaviest_list_of_tools_is_a_light_page(world: World) -> None:
    properties = {
        f"{number:02}{'p' * 60}": {"type": "string", "description": "\"'" * 4}
        for number in range(9)
    }
    schema = {"properties": properties, "x": '"' * 1500}
    world.resource.tools = [
        {"name": f"{number}" + "<" * 120, "description": '"' * 600, "inputSchema": schema}
        for number in range(80)
    ]
    await world.browser.do("log-in")
    page = await world.browser.get("/console")
    assert page.text.count("<li>") == 50
    assert len(page.text.encode()) < 100_000


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"argument.limit": "many"}, "This must be a whole number."),
        ({"argument.limit": "1.5"}, "This must be a whole number."),
        ({"as": "json", "arguments": "[1]"}, "The arguments must be one JSON object"),
    ],
)
async def test_what_cannot_be_sent_is_not_sent_and_not_lost(
    logged_in: World, typed: dict[str, str], problem: str
) -> None:
    calls = len(logged_in.resource.seen)
    page = await call(logged_in, "list_contexts", **typed)
    assert page.status == 422
    assert problem in page.says("problem")
    assert page.says("problems") == "Nothing was sent: 1 field needs another look."
    assert 'aria-invalid="true"' in page.text
    name, text = list(typed.items())[-1]
    assert value_of(page, name) == text
    assert len(logged_in.resource.seen) == calls


async def test_a_required_argument_is_asked_for(logged_in: World) -> None:
    page = await call(logged_in, "create_context", **{"argument.title": "<b>kept</b>"})
    assert page.status == 422
    assert page.says("problem") == "This is required."
    assert value_of(page, "argument.title") == "<b>kept</b>"
    assert logged_in.resource.contexts == []


async def test_a_tool_that_nobody_listed_is_not_called(logged_in: World) -> None:
    page = await call(logged_in, "never_listed")
    assert page.status == 400
    assert "not listed any more" in page.says("status")
    assert all(one["method"] != "tools/call" for one in logged_in.resource.messages())


async def test_a_call_is_answered_with_what_went_over_the_wire(logged_in: World) -> None:
    page = await call(logged_in, "list_contexts", **{"argument.limit": "3"})
    assert page.succeeded
    assert "list_contexts done" in page.says("result")
    sent = logged_in.resource.messages()[-1]
    assert sent["params"]["arguments"] == {"limit": 3}
    assert page.text.count('data-testid="exchange"') == 1
    assert "tools/call list_contexts" in page.text
    assert value_of(page, "argument.limit") == "3"
    secrets = [*logged_in.issuer.access_tokens, *logged_in.issuer.refresh_tokens]
    assert not [secret for secret in secrets if secret in page.text]


async def test_what_happened_here_is_not_told_on_the_start_page(logged_in: World) -> None:
    await call(logged_in, "list_contexts")
    assert not (await logged_in.browser.home()).has("status")
    assert (await logged_in.browser.do("fetch")).has("status")
    assert not (await logged_in.browser.get("/console")).has("status")


@pytest.mark.requirement("CL11")
async def test_a_step_up_comes_back_with_what_was_typed(logged_in: World) -> None:
    typed = {"argument.title": "T", "argument.content": "two\r\nlines"}
    page = await call(logged_in, "create_context", **typed)
    assert len(logged_in.browser.visited) == 2
    assert page.says("status") == "The tool answered (MCP 2026-07-28)."
    assert logged_in.resource.contexts == [{"title": "T", "content": "two\nlines"}]
    assert value_of(page, "argument.title") == "T"
    assert value_of(page, "argument.content") == "two\nlines"


@pytest.mark.requirement("CL11")
@pytest.mark.parametrize("way", ["tool", "rest"])
async def test_a_step_up_that_is_denied_loses_nothing(logged_in: World, way: str) -> None:
    logged_in.issuer.response = {"code": None, "error": "access_denied"}
    if way == "tool":
        typed = {"argument.title": "T", "argument.content": "C"}
        page = await call(logged_in, "create_context", **typed)
        shown = [value_of(page, name) for name in typed]
    else:
        page = await press(logged_in, "create", title="T", content="C")
        shown = [value_of(page, name) for name in ("title", "content")]
    assert page.says("status") == "You denied access."
    assert shown == ["T", "C"]
    assert logged_in.resource.contexts == []


async def test_listing_leads_through_a_login_and_back(world: World) -> None:
    before = await world.browser.get("/console")
    assert not before.has("call-tool")
    page = await press(world, "list-tools")
    assert page.says("status") == "The MCP server listed its tools."
    assert page.has("call-tool")


async def test_contexts_are_created_and_read_beside_it(logged_in: World) -> None:
    created = await press(logged_in, "create", title="<i>t</i>", content="c")
    assert created.says("status") == "The context was created."
    assert value_of(created, "title") == ""
    read = await press(logged_in, "fetch")
    assert "<i>t</i>" in read.says("result")
    assert "<i>" not in read.text
    assert 'data-step="rest"' in read.text


async def test_a_tool_is_chosen_by_a_link_and_an_unknown_one_is_the_first(logged_in: World) -> None:
    page = await logged_in.browser.get("/console?tool=create_context")
    assert 'name="argument.content"' in page.text
    assert 'name="argument.limit"' in (await logged_in.browser.get("/console?tool=x")).text
    as_json = await logged_in.browser.get("/console?tool=create_context&as=json")
    assert json.loads(value_of(as_json, "arguments")) == {"title": "…", "content": "…"}


async def test_a_schema_with_too_much_in_it_is_written_as_json(world: World) -> None:
    properties = {f"p{number}": {} for number in range(MAX_FIELDS + 1)}
    world.resource.tools = [{"name": "wide", "inputSchema": {"properties": properties}}]
    await world.browser.do("log-in")
    page = await call(world, "wide", arguments='{"p1": 1}')
    assert page.succeeded
    assert world.resource.messages()[-1]["params"]["arguments"] == {"p1": 1}
    assert json.loads(value_of(page, "arguments")) == {"p1": 1}
