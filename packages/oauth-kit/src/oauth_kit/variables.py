"""How variables are read, whatever they are about."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Variables(BaseSettings):
    """The base of every group of settings: where a service combines several, pydantic lets the last
    one say how they are read.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )
