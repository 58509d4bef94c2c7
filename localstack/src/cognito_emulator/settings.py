"""The emulator's settings: read from the environment once, all problems reported together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

HIGHEST_PORT = 65535


class SettingsError(Exception):
    """Some settings cannot be used; the message names all of them in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Field names in capitals are the variables."""

    bind_host: str
    port: int
    management_port: int
    public_url: str
    server_url: str
    state_dir: Path
    provider_file: Path
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    pool_name: str
    registration_table: str
    bridge_callback_url: str
    bridge_logout_url: str | None
    demo_username: str
    demo_password: str = field(repr=False)
    sign_up_code_seconds: int
    password_code_seconds: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises SettingsError."""
        reader = _Reader(environment)
        port = reader.port("PORT", 4566)
        state_dir = Path(reader.text("STATE_DIR", "cognito-emulator-state")).absolute()
        settings = cls(
            bind_host=reader.text("BIND_HOST", "127.0.0.1"),
            port=port,
            management_port=reader.port("MANAGEMENT_PORT", port + 100),
            public_url=reader.origin("PUBLIC_URL", f"http://localhost:{port}"),
            server_url=reader.origin("SERVER_URL", f"http://127.0.0.1:{port}"),
            state_dir=state_dir,
            provider_file=Path(
                reader.text("PROVIDER_FILE", str(state_dir / "provider.json"))
            ).absolute(),
            region=reader.matching("REGION", "us-east-1", r"[a-z]{2}(-[a-z]+)+-[0-9]"),
            access_key_id=reader.matching("ACCESS_KEY_ID", "emulator", r"\w{3,128}"),
            secret_access_key=reader.text("SECRET_ACCESS_KEY", "emulator"),
            pool_name=reader.matching("POOL_NAME", "mcp-authstack", r"[\w+=,.@ -]{1,128}"),
            registration_table=reader.matching(
                "REGISTRATION_TABLE", "mcp-authstack-registrations", r"[A-Za-z0-9_.-]{3,255}"
            ),
            bridge_callback_url=reader.text(
                "BRIDGE_CALLBACK_URL", "http://localhost:3004/callback"
            ),
            bridge_logout_url=reader.optional("BRIDGE_LOGOUT_URL"),
            demo_username=reader.matching(
                "DEMO_USERNAME", "demo@example.com", r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+"
            ),
            demo_password=reader.text("DEMO_PASSWORD", "Demo-Passw0rd-1!"),
            sign_up_code_seconds=reader.seconds("SIGN_UP_CODE_SECONDS", 86400),
            password_code_seconds=reader.seconds("PASSWORD_CODE_SECONDS", 3600),
        )
        if settings.port == settings.management_port:
            reader.problems.append("MANAGEMENT_PORT must differ from PORT")
        if reader.problems:
            raise SettingsError("; ".join(reader.problems))
        return settings

    @property
    def local_url(self) -> str:
        """Where this machine itself reaches the front."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind_host, self.bind_host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@dataclass(slots=True)
class _Reader:
    """Takes single variables and collects what is wrong. An empty variable counts as unset."""

    environment: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def text(self, name: str, default: str) -> str:
        return self.environment.get(name) or default

    def optional(self, name: str) -> str | None:
        return self.environment.get(name) or None

    def port(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= HIGHEST_PORT:
            self.problems.append(f"{name} must be a port from 1 to {HIGHEST_PORT}")
            return default
        return int(text)

    def seconds(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,7}", text):
            self.problems.append(f"{name} must be a number of seconds")
            return default
        return int(text)

    def matching(self, name: str, default: str, pattern: str) -> str:
        text = self.text(name, default)
        if not re.fullmatch(pattern, text):
            self.problems.append(f"{name} must match {pattern}")
        return text

    def origin(self, name: str, default: str) -> str:
        text = self.text(name, default)
        try:
            parts = urlsplit(text)
            whole = f"{parts.scheme}://{parts.netloc}" == text and parts.port != 0
        except ValueError:
            whole = False
        if not whole or parts.scheme not in {"http", "https"} or not parts.hostname:
            self.problems.append(f"{name} must be an origin such as {default}")
        return text
