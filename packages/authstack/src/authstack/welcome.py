"""What `up` says when all is ready."""

from collections.abc import Mapping

from authstack.layout import Layout
from authstack.services import DEMO_PASSWORD, DEMO_USERNAME

_WELCOME = """
mcp-authstack is ready ({seconds:.1f} s)

  Clients      {preregistered}   pre-registered
               {dynamic}   dynamic client registration
               {metadata_document}   client ID metadata document
  MCP server   {resource}
  Issuer       {issuer}
  Log in as    {username}  {password}

Try   open a client, log in, then "Read contexts" and "Create context"
      add {resource} to an MCP client of your own
      {command} smoke{options}     walks every flow without a browser
      {command} status{options}    shows every process; `logs NAME` what it says
"""
_NO_RATE_LIMITS = "RATE_LIMITS=off: rate limits are off, for tests and benchmarks only\n"


def welcome(
    layout: Layout, environment: Mapping[str, str], seconds: float, *, detached: bool
) -> str:
    options = f" --port-offset {layout.port_offset}" if layout.port_offset else ""
    text = _WELCOME.format(
        seconds=seconds,
        preregistered=layout.url("preregistered"),
        dynamic=layout.url("dynamic"),
        metadata_document=layout.url("metadata_document"),
        resource=layout.resource,
        issuer=layout.url("bridge"),
        username=DEMO_USERNAME,
        password=DEMO_PASSWORD,
        command=".venv/bin/authstack",
        options=options,
    )
    if environment.get("RATE_LIMITS") == "off":
        text += "\n" + _NO_RATE_LIMITS
    return text + (
        f"\n.venv/bin/authstack down{options} ends everything."
        if detached
        else "\nCtrl-C ends everything."
    )
