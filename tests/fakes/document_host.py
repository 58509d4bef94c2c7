"""An app's own web server: a metadata document at a name that a private CA vouches for."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from fakes.private_ca import PrivateCa

HOST = "notes.example"
REDIRECT_URI = f"https://{HOST}/callback"


def document(path: str) -> dict[str, Any]:
    return {
        "client_id": f"https://{HOST}{path}",
        "client_name": "Field notes",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "tos_uri": f"https://{HOST}/terms",
        "policy_uri": f"https://{HOST}/privacy",
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, documents: dict[str, dict[str, Any]], *arguments: Any) -> None:
        self.documents = documents
        super().__init__(*arguments)

    def do_GET(self) -> None:
        found = self.documents.get(self.path)
        body = json.dumps(found or {}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@contextmanager
def document_host(ca: PrivateCa) -> Iterator[int]:
    """Serves on the returned port: /app.json is good, /nameless.json breaks a rule."""
    nameless = {**document("/nameless.json"), "client_name": ""}
    documents = {"/app.json": document("/app.json"), "/nameless.json": nameless}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, documents))
    server.socket = ca.server_context(HOST).wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
