"""One JSON-RPC message from a POST, in either revision (MCP transports, Streamable HTTP)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp import types
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
    unsupported_protocol_version_rejection,
)
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS
from multidict import CIMultiDictProxy
from pydantic import ValidationError

from oauth_kit.rules.json_object import parse_json_object

# A client that names no version speaks this one (2025-11-25 transports, Protocol Version Header).
_UNNAMED_VERSION: Final = "2025-03-26"
_ROUTING_HEADERS: Final = (MCP_PROTOCOL_VERSION_HEADER, MCP_METHOD_HEADER, MCP_NAME_HEADER)


@dataclass(frozen=True, slots=True)
class McpCall:
    """A request that its revision's rules let through.

    stateless: 2026-07-28, where every request carries its own envelope
    """

    request_id: types.RequestId
    method: str
    params: dict[str, Any] | None
    version: str
    stateless: bool
    client_info: object = None
    client_capabilities: object = None

    @property
    def tool_name(self) -> str | None:
        """The tool to call, None for any other method."""
        name = (self.params or {}).get("name") if self.method == "tools/call" else None
        return name if isinstance(name, str) else None


class ProtocolError(Exception):
    """A message that is refused before anything is done: a JSON-RPC error with its HTTP status."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        request_id: types.RequestId | None = None,
        data: object = None,
    ) -> None:
        super().__init__(message)
        self.error = types.ErrorData(code=code, message=message, data=data)
        self.request_id = request_id
        self.status = ERROR_CODE_HTTP_STATUS[code]


def read_message(body: bytes, headers: CIMultiDictProxy[str]) -> McpCall | None:
    """The call in a POST's body, None for a notification. Raises ProtocolError."""
    message = _read_object(body)
    duplicated = find_duplicated_routing_header(headers.items())
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if "id" not in message:
        _check_notification(message, version, duplicated)
        return None
    try:
        asked = types.JSONRPCRequest.model_validate(message)
    except ValidationError as error:
        raise ProtocolError(types.INVALID_REQUEST, "Not a JSON-RPC request") from error
    if duplicated is not None:
        raise _duplicated(duplicated, asked.id)
    if _is_stateless(asked, version):
        return _read_stateless(asked, message, headers)
    return McpCall(asked.id, asked.method, asked.params, version or _UNNAMED_VERSION, False)


def _read_object(body: bytes) -> dict[str, object]:
    if body.lstrip(b" \t\r\n").startswith(b"["):
        raise ProtocolError(types.INVALID_REQUEST, "Batches are not supported")
    try:
        return parse_json_object(body)
    except ValueError as error:
        raise ProtocolError(types.PARSE_ERROR, "Not a JSON object") from error


def _check_notification(
    message: Mapping[str, object], version: str | None, duplicated: str | None
) -> None:
    """Notifications have nobody to act on here: well-formed ones are acknowledged and dropped."""
    try:
        types.JSONRPCNotification.model_validate(message)
    except ValidationError as error:
        raise ProtocolError(types.INVALID_REQUEST, "Not a JSON-RPC notification") from error
    if duplicated is not None:
        raise _duplicated(duplicated, None)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        _check_version(version, None)


def _is_stateless(asked: types.JSONRPCRequest, version: str | None) -> bool:
    """The header decides; without it, an envelope in the body does (and the header is missing)."""
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return True
    return asked.method != "initialize" and _has_envelope(asked)


def _has_envelope(asked: types.JSONRPCRequest) -> bool:
    meta = (asked.params or {}).get("_meta")
    return isinstance(meta, dict) and types.PROTOCOL_VERSION_META_KEY in meta


def _read_stateless(
    asked: types.JSONRPCRequest, message: dict[str, object], headers: CIMultiDictProxy[str]
) -> McpCall:
    routing = {name: headers[name] for name in _ROUTING_HEADERS if name in headers}
    version = routing.get(MCP_PROTOCOL_VERSION_HEADER)
    if version is not None and not _has_envelope(asked):
        # a client of an unknown revision must learn which there are, not what its body lacks
        _check_version(version, asked.id)
    route = classify_inbound_request(message, headers=routing)
    if isinstance(route, InboundLadderRejection):
        raise _rejected(route, asked.id)
    return McpCall(
        asked.id,
        asked.method,
        asked.params,
        route.protocol_version,
        True,
        route.client_info,
        route.client_capabilities,
    )


def _check_version(version: str, request_id: types.RequestId | None) -> None:
    unsupported = unsupported_protocol_version_rejection(version)
    if unsupported is not None:
        raise _rejected(unsupported, request_id)


def _rejected(
    rejection: InboundLadderRejection, request_id: types.RequestId | None
) -> ProtocolError:
    return ProtocolError(
        rejection.code, rejection.message, request_id=request_id, data=rejection.data
    )


def _duplicated(header: str, request_id: types.RequestId | None) -> ProtocolError:
    return ProtocolError(
        types.HEADER_MISMATCH, f"{header} header appears more than once", request_id=request_id
    )
