"""POST /: read the call, send it through the chain, write the answer."""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cognito_emulator.api.rule import ApiAnswer, ApiCall, Forward, Service
from cognito_emulator.rules.errors import ApiError

MAX_OPERATION_CHARS = 64

TARGETS: Mapping[str, Service] = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "DynamoDB_20120810": "dynamodb",
}
CONTENT_TYPES: Mapping[Service, str] = {
    "cognito-idp": "application/x-amz-json-1.1",
    "dynamodb": "application/x-amz-json-1.0",
}
SIGNATURE_SCHEME = "AWS4-HMAC-SHA256"
SIGNER = re.compile(rf"{SIGNATURE_SCHEME} Credential=(?P<access_key_id>\w{{3,128}})/")


@dataclass(frozen=True, slots=True)
class ApiEndpoint:
    """Cognito user pools and DynamoDB; every other service is refused."""

    call_api: Forward

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post("/", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        if "Origin" in request.headers:
            # signatures are not verified here, so a web page must not reach administration,
            # whatever name it gave this address (DNS rebinding)
            raise ApiError("AccessDeniedException", "Web pages cannot call this API.")
        target = request.headers.get("X-Amz-Target", "")
        prefix, _, operation = target.partition(".")
        service = TARGETS.get(prefix)
        if service is None:
            raise ApiError("UnknownOperationException", "Only Cognito and DynamoDB are here.")
        if operation.isalnum() and len(operation) <= MAX_OPERATION_CHARS:
            request["event"] = {"api": service, "operation": operation}
        authorization = request.headers.get("Authorization", "")
        signer = SIGNER.match(authorization)
        call = ApiCall(
            service=service,
            operation=operation,
            body=read_object(await request.read()),
            signed=authorization.startswith(f"{SIGNATURE_SCHEME} "),
            access_key_id=signer["access_key_id"] if signer else "",
        )
        return _response(service, await self.call_api(call))


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises SerializationException."""
    try:
        parsed = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError("SerializationException", "The body is not JSON.") from error
    if not isinstance(parsed, dict):
        raise ApiError("SerializationException", "Start of structure or map expected.")
    return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _response(service: Service, answer: ApiAnswer) -> web.Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), **answer.headers}
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers={**headers, "Content-Type": CONTENT_TYPES[service]},
    )
