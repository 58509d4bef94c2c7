"""What a person can do about a refusal."""

from typing import Final

from demo_clients.visitors import CookieMissing
from oauth_kit.rules.errors import OAuthError

_START_OVER: Final = "Go back to the start page and begin there again."
_LATER: Final = (
    "Wait a minute, then try again. If it goes on, the reference leads to the reason in the log."
)
_BY_STATUS: Final = {
    403: f"{_START_OVER} A page that stood open for long, or in another browser, is out of date.",
    404: "Go to the start page: everything that this client can do begins there.",
    413: "Go back and send less.",
    429: "Wait a minute, then try again.",
}


def advice_about(error: OAuthError) -> str:
    if isinstance(error, CookieMissing):
        return (
            "Allow cookies for this site in your browser's settings, then open the start page and "
            "begin again. The cookie only says that it is the same browser that comes back."
        )
    if error.status >= 500:
        return _LATER
    return _BY_STATUS.get(error.status, _START_OVER)
