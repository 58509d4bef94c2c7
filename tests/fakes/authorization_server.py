"""An authorization server that keeps its promises, and can be told to break one at a time."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from aiohttp import web
from fakes.wire import Seen, recorder
from yarl import URL


@dataclass
class Grant:
    client_id: str
    redirect_uri: str
    challenge: str
    resource: str
    scope: str


@dataclass
class FakeAuthorizationServer:
    """Logs everybody in at once. `seen` has every request.

    Switches: `metadata` (members to replace, None removes one), `response` (parameters of the
    authorization response to replace), `registration` (members of the registration to replace),
    `grants_scope` (what it grants, whatever was asked),
    `token_error` (what /token answers), `refresh_error`,
    `authorize_answer` (status and Location, to a request with a fault), `good_answer` (the same, to
    one without), `has_grace` (for the last refresh token
    but one), and what a broken server does: `rotates`, `redirects_anywhere`, `needs_no_challenge`,
    `redeems_twice`, `refreshes_twice`, `spares_grants` (a replay ends nothing).
    """

    seen: list[Seen] = field(default_factory=list)
    origin: str = ""
    issuer_path: str = ""
    metadata_paths: tuple[str, ...] = ("/.well-known/oauth-authorization-server",)
    metadata: dict[str, object] = field(default_factory=dict)
    response: dict[str, str | None] = field(default_factory=dict)
    registration: dict[str, object] = field(default_factory=dict)
    registration_error: dict[str, str] | None = None
    token_error: tuple[int, dict[str, str]] | None = None
    refresh_error: tuple[int, dict[str, str]] | None = None
    grants_scope: str | None = None
    authorize_answer: tuple[int, str] | None = None
    good_answer: tuple[int, str] | None = None
    has_grace: bool = False
    rotates: bool = True
    redirects_anywhere: bool = False
    needs_no_challenge: bool = False
    redeems_twice: bool = False
    refreshes_twice: bool = False
    spares_grants: bool = False
    gives_refresh_token: bool = True
    expires_in: int | None = 300
    clients: dict[str, dict[str, object]] = field(default_factory=dict)
    codes: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    spent: dict[str, Grant] = field(default_factory=dict)
    successors: dict[str, str] = field(default_factory=dict)
    access_tokens: dict[str, str] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        app = recorder(self.seen)
        app.router.add_get("/authorize", self.authorize)
        app.router.add_post("/token", self.token)
        app.router.add_post("/register", self.register)
        app.router.add_post("/revoke", self.revoke)
        app.router.add_get("/{tail:.*}", self.well_known)
        return app

    @property
    def issuer(self) -> str:
        return self.origin + self.issuer_path

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def forms(self, path: str) -> list[dict[str, str]]:
        return [_form(seen.body) for seen in self.seen if seen.path == path]

    def document(self) -> dict[str, object]:
        document: dict[str, object] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "registration_endpoint": f"{self.origin}/register",
            "revocation_endpoint": f"{self.origin}/revoke",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in document.items() if value is not None}

    async def well_known(self, request: web.Request) -> web.Response:
        if request.path not in self.metadata_paths:
            return web.Response(status=404)
        return web.json_response(self.document())

    async def authorize(self, request: web.Request) -> web.Response:
        query = request.query
        client = self.clients.get(query["client_id"], {})
        redirect_uri = query["redirect_uri"]
        known = redirect_uri in client.get("redirect_uris", [])  # type: ignore[operator]
        is_good = known and "code_challenge" in query
        fixed = self.good_answer if is_good else self.authorize_answer
        if fixed is not None:
            status, location = fixed
            return web.Response(status=status, headers={"Location": location} if location else {})
        if not known and not self.redirects_anywhere:
            return web.Response(status=400, text="unknown client or redirect URI")
        assert query["response_type"] == "code"
        if "code_challenge" not in query and not self.needs_no_challenge:
            answer = {"error": "invalid_request", "state": query["state"], "iss": self.issuer}
            return web.Response(status=302, headers={"Location": str(URL(redirect_uri) % answer)})
        assert self.needs_no_challenge or query["code_challenge_method"] == "S256"
        assert self.needs_no_challenge or len(query["code_challenge"]) == 43
        code = secrets.token_urlsafe(16)
        self.codes[code] = Grant(
            query["client_id"],
            redirect_uri,
            query.get("code_challenge", ""),
            query["resource"],
            query.get("scope", ""),
        )
        granted = {"code": code, "state": query["state"], "iss": self.issuer, **self.response}
        kept = {name: value for name, value in granted.items() if value is not None}
        return web.Response(status=302, headers={"Location": str(URL(redirect_uri) % kept)})

    async def register(self, request: web.Request) -> web.Response:
        if self.registration_error is not None:
            return web.json_response(self.registration_error, status=400)
        asked = await request.json()
        registered = {**asked, "client_id": f"registered-{len(self.clients)}"}
        if asked["token_endpoint_auth_method"] != "none":
            registered["client_secret"] = secrets.token_urlsafe(16)
            registered["client_secret_expires_at"] = 0
        registered.update(self.registration)
        self.clients[registered["client_id"]] = registered
        return web.json_response(registered, status=201)

    async def token(self, request: web.Request) -> web.Response:
        form = _form(await request.read())
        client_id = self._authenticated(request, form)
        if client_id is None:
            return _error(401, "invalid_client")
        if form["grant_type"] == "authorization_code":
            if self.token_error is not None:
                return web.json_response(self.token_error[1], status=self.token_error[0])
            grant = self._spend(self.codes, form["code"], again=self.redeems_twice)
            if grant is None or not _code_matches(grant, form, client_id):
                return _error(400, "invalid_grant")
        else:
            if self.refresh_error is not None:
                return web.json_response(self.refresh_error[1], status=self.refresh_error[0])
            successor = self.successors.get(form["refresh_token"], "")
            if self.has_grace and successor in self.refresh_tokens:
                grant = self.refresh_tokens.pop(successor)
                return web.json_response(self._issue(grant, refresh_token=successor))
            grant = self._spend(
                self.refresh_tokens, form["refresh_token"], again=self.refreshes_twice
            )
            if grant is None or grant.client_id != client_id:
                return _error(400, "invalid_grant")
            if not self.rotates:
                return web.json_response(self._issue(grant, refresh_token=form["refresh_token"]))
        if form.get("resource") != grant.resource:
            return _error(400, "invalid_target")
        answer = self._issue(grant)
        if "refresh_token" in form and "refresh_token" in answer:
            self.successors[form["refresh_token"]] = str(answer["refresh_token"])
        return web.json_response(answer)

    def _spend(self, good: dict[str, Grant], secret: str, *, again: bool) -> Grant | None:
        """The grant, the first time; a replay ends what came of it."""
        grant = good.pop(secret, None)
        if grant is not None:
            self.spent[secret] = grant
            return grant
        known = self.spent.get(secret)
        if again or known is None:
            return known
        if not self.spares_grants:
            self._end(known)
        return None

    def _end(self, grant: Grant | None) -> None:
        kept = {token: one for token, one in self.refresh_tokens.items() if one is not grant}
        self.refresh_tokens = kept

    async def revoke(self, request: web.Request) -> web.Response:
        form = _form(await request.read())
        if self._authenticated(request, form) is None:
            return _error(401, "invalid_client")
        ended = self.refresh_tokens.get(form["token"]) or self.spent.get(form["token"])
        self._end(ended)
        self.revoked.append(form["token"])
        return web.Response()

    def _issue(self, grant: Grant, *, refresh_token: str = "") -> dict[str, object]:
        scope = grant.scope if self.grants_scope is None else self.grants_scope
        claims = {
            "iss": self.issuer,
            "sub": "user-1",
            "aud": grant.resource,
            "client_id": grant.client_id,
            "scope": scope,
            "jti": secrets.token_urlsafe(8),
        }
        access_token = f"{_part({'alg': 'RS256', 'typ': 'at+jwt'})}.{_part(claims)}.c2lnbmF0dXJl"
        self.access_tokens[access_token] = scope
        answer: dict[str, object] = {
            "access_token": access_token,
            "token_type": "Bearer",
            "scope": scope,
        }
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if self.gives_refresh_token:
            refresh_token = refresh_token or f"refresh-{secrets.token_urlsafe(24)}"
            self.refresh_tokens[refresh_token] = grant
            answer["refresh_token"] = refresh_token
        return answer

    def _authenticated(self, request: web.Request, form: dict[str, str]) -> str | None:
        header = request.headers.get("Authorization")
        if header is None:
            client_id, secret, method = form.get("client_id", ""), form.get("client_secret"), "none"
            method = "none" if secret is None else "client_secret_post"
        else:
            pair = base64.b64decode(header.removeprefix("Basic ")).decode()
            client_id, _, secret = (unquote_plus(part) for part in pair.partition(":"))
            method = "client_secret_basic"
        client = self.clients.get(client_id)
        if client is None or client["token_endpoint_auth_method"] != method:
            return None
        return client_id if client.get("client_secret") == secret else None


def _code_matches(grant: Grant, form: dict[str, str], client_id: str) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (challenge, form["redirect_uri"], client_id) == (
        grant.challenge,
        grant.redirect_uri,
        grant.client_id,
    )


def _form(body: bytes) -> dict[str, str]:
    pairs = [part.partition("=") for part in body.decode().split("&") if part]
    form = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    assert len(form) == len(pairs), "a parameter is repeated"
    return form


def _part(document: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def _error(status: int, error: str) -> web.Response:
    return web.json_response(
        {"error": error, "error_description": "raw server text"}, status=status
    )
