"""What the console shows: the tools, one of them as a form, and what came of the last call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from demo_clients.actions import CALL_TOOL, CREATE
from demo_clients.console.arguments import RAW_FIELD, Typed, control_name, defaults, fill
from demo_clients.console.schema_form import RAW, Field, ToolForm, form_of
from demo_clients.mcp_messages import Tool
from demo_clients.sessions import Outcome, Session
from demo_clients.timeline.text import fit
from oauth_kit.rules.json_object import parse_json_object

CONSOLE_PATH = "/console"
_MAX_LABEL_CHARACTERS = 64
_MAX_DESCRIPTION_CHARACTERS = 500
_MAX_SCHEMA_CHARACTERS = 6000


@dataclass(frozen=True, slots=True)
class Control:
    """A field with what stands in it. `id` is the same on every page, whatever the field is."""

    id: str
    name: str
    field: Field
    text: str
    problem: str


@dataclass(frozen=True, slots=True)
class ToolPage:
    """One tool, ready to be called.

    as_json:    its arguments are written as one JSON object
    other_path: the same tool the other way, "" when there is none
    """

    name: str
    label: str
    description: str
    schema: str
    controls: tuple[Control, ...]
    as_json: bool
    other_path: str
    problems: int


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    path: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """draft: the context that was not created, to be typed no second time"""

    links: tuple[Link, ...]
    selected: ToolPage | None
    outcome: Outcome | None
    draft: Mapping[str, str]


def make_page(
    session: Session, *, asked_for: str, as_json: bool, typed: Typed | None = None
) -> ConsolePage:
    """typed: what has just been sent and could not be used"""
    outcome = console_outcome(session.outcome)
    asked = outcome.asked if outcome else None
    last = asked.fields.get("tool", "") if asked and asked.action == CALL_TOOL else ""
    tool = find_tool(session.tools, asked_for or last) or next(iter(session.tools), None)
    called = asked.fields if asked and tool and tool.name == last else None
    is_draft = asked is not None and asked.action == CREATE and not (outcome and outcome.succeeded)
    return ConsolePage(
        links=tuple(
            Link(_label(one.name), tool_path(one.name), one is tool) for one in session.tools
        ),
        selected=_tool_page(tool, as_json, called, typed) if tool else None,
        # what has just been typed is the matter now, not what came before it
        outcome=None if typed else outcome,
        draft={"title": "", "content": "", **(asked.fields if asked and is_draft else {})},
    )


def console_outcome(outcome: Outcome | None) -> Outcome | None:
    is_ours = outcome is not None and outcome.page.partition("?")[0] == CONSOLE_PATH
    return outcome if is_ours else None


def find_tool(tools: tuple[Tool, ...], name: str) -> Tool | None:
    return next((tool for tool in tools if tool.name == name), None)


def tool_form(tool: Tool, *, as_json: bool) -> ToolForm:
    return RAW if as_json else form_of(tool.input_schema)


def tool_path(name: str, *, as_json: bool = False) -> str:
    return f"{CONSOLE_PATH}?{urlencode({'tool': name, **({'as': 'json'} if as_json else {})})}"


def _tool_page(
    tool: Tool, as_json: bool, called: Mapping[str, str] | None, typed: Typed | None
) -> ToolPage:
    form = tool_form(tool, as_json=as_json)
    texts, problems = _texts(tool, form, called), dict[str, str]()
    if typed is not None:
        texts, problems = typed.texts, typed.problems
    fields = form.fields if form.fields is not None else (_WHOLE,)
    controls = tuple(
        Control(
            id=f"argument-{number}",
            name=RAW_FIELD if one is _WHOLE else control_name(one.name),
            field=one,
            text=texts.get(one.name, ""),
            problem=problems.get(one.name, ""),
        )
        for number, one in enumerate(fields)
    )
    return ToolPage(
        name=tool.name,
        label=_label(tool.name),
        description=fit(tool.description, _MAX_DESCRIPTION_CHARACTERS),
        schema=_laid_out(tool.input_schema),
        controls=controls,
        as_json=form.fields is None,
        other_path=_other_path(tool, is_json=form.fields is None),
        problems=len(problems),
    )


def _other_path(tool: Tool, *, is_json: bool) -> str:
    if is_json and form_of(tool.input_schema).fields is None:
        return ""
    return tool_path(tool.name, as_json=not is_json)


def _label(name: str) -> str:
    return fit(name, _MAX_LABEL_CHARACTERS)


def _laid_out(schema_text: str) -> str:
    """A stranger's schema for reading. Its own indentation could be most of it."""
    if not schema_text:
        return ""
    laid_out = json.dumps(json.loads(schema_text), indent=2, ensure_ascii=False)
    return fit(laid_out, _MAX_SCHEMA_CHARACTERS, keep_lines=True)


def _texts(tool: Tool, form: ToolForm, called: Mapping[str, str] | None) -> dict[str, str]:
    if called is None:
        return defaults(form, tool.example)
    try:
        return fill(form, parse_json_object(called.get("arguments", "").encode()))
    except ValueError:
        return defaults(form, tool.example)


_WHOLE = Field(
    RAW_FIELD,
    "object",
    required=True,
    hint="One JSON object with all arguments",
)
