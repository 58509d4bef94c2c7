"""What people are told when something does not work: what happened, what was shared, what to do.

The sentence of a refusal says which it is; what is not in the table is told by its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cimd_bridge.refusals import (
    CLIENT_UNKNOWN,
    COOKIE_MISSING,
    FORM_EXPIRED,
    FORM_FOREIGN,
    FORM_USED,
    LOGIN_OF_ANOTHER_BROWSER,
    LOGIN_UNKNOWN,
    PROVIDER_UNREACHABLE,
    REDIRECT_NOT_REGISTERED,
)
from oauth_kit.providers.catalog import PROVIDER_MISSING
from oauth_kit.redis import STORE_UNREACHABLE
from oauth_kit.rules.client_document import DOCUMENT_REFUSED
from oauth_kit.rules.errors import OAuthError

_NOTHING: Final = "Nothing was shared."
_FROM_THE_APP: Final = "Go back to the app and log in again from there."
_SHORTLY: Final = "Wait a moment, then reload this page or try again from the app."


@dataclass(frozen=True, slots=True)
class Explanation:
    """names_rule: the refusal's own sentence helps whoever made the app"""

    title: str
    happened: str
    advice: str
    shared: str = _NOTHING
    names_rule: bool = False


_BY_SENTENCE: Final[Mapping[str, Explanation]] = {
    FORM_EXPIRED: Explanation(
        "This question has expired",
        "It was answered too late: an app’s question is good for ten minutes.",
        _FROM_THE_APP,
    ),
    FORM_USED: Explanation(
        "This question was already answered",
        "Your first answer counts, and this one came after it or was a different one.",
        "Go back to the app. If it did not get what it asked for, log in again from there.",
        shared="Answering again shared nothing more.",
    ),
    FORM_FOREIGN: Explanation(
        "This answer cannot be accepted",
        "It does not come from the page that this browser was shown.",
        f"Close this page. {_FROM_THE_APP}",
    ),
    COOKIE_MISSING: Explanation(
        "Your browser did not send our cookie",
        "A cookie of this site tells us that the question and the answer come from one browser.",
        f"Allow cookies for this site, or leave private browsing. {_FROM_THE_APP}",
    ),
    LOGIN_OF_ANOTHER_BROWSER: Explanation(
        "This log-in was started in another browser",
        "The browser that agreed to it has to finish it; this one did not, or lost our cookie.",
        "If you did not start this log-in, close this page. Otherwise go on in the browser where "
        "you started it, or log in again from the app.",
    ),
    LOGIN_UNKNOWN: Explanation(
        "This log-in took too long",
        "It is not known here any more: a log-in has to be finished within ten minutes.",
        _FROM_THE_APP,
    ),
    CLIENT_UNKNOWN: Explanation(
        "This app is not known here",
        "The link that brought you here names an app that is not registered, or no longer.",
        "In the app, remove this connection and add it again: it then registers anew. If you did "
        "not come from an app that you use, close this page.",
    ),
    REDIRECT_NOT_REGISTERED: Explanation(
        "The app wants its answer at a wrong address",
        "The address that you would be sent to is not one that the app registered. Somebody may "
        "have altered the link.",
        "Go back to the app and start again from there, not from a link that somebody sent you.",
        names_rule=True,
    ),
    DOCUMENT_REFUSED: Explanation(
        "The app’s description could not be read",
        "This app is known by a web address. What we found there is no description of it, or its "
        "host did not answer.",
        "Try again in a few minutes. If this keeps happening, tell whoever made the app.",
        names_rule=True,
    ),
    PROVIDER_UNREACHABLE: Explanation(
        "The log-in page cannot be reached",
        "The identity provider, where you log in, does not answer at the moment.",
        _SHORTLY,
    ),
    PROVIDER_MISSING: Explanation(
        "The log-in is not set up yet",
        "The identity provider, where you log in, is not ready.",
        _SHORTLY,
    ),
    STORE_UNREACHABLE: Explanation(
        "This service is interrupted",
        "We cannot reach our store at the moment, so no log-in can begin or go on.",
        "Wait a moment, then reload this page. If you were asked to approve something, go back "
        "and press the same button again.",
    ),
}

_BY_CODE: Final[Mapping[str, Explanation]] = {
    "invalid_client": Explanation(
        "The app’s description is not valid",
        "This app is known by a web address, and its description there breaks a rule.",
        "You cannot repair this. Tell whoever made the app what stands below.",
        names_rule=True,
    ),
    "temporarily_unavailable": Explanation(
        "This service is interrupted", "A part of it does not answer at the moment.", _SHORTLY
    ),
    "server_error": Explanation(
        "Something went wrong on our side",
        "The fault is ours, and it is in our log.",
        "Try again from the app. If it happens again, tell the operator the reference below.",
    ),
}
_TOO_OFTEN: Final = Explanation(
    "Too many attempts",
    "This was tried too often from your network.",
    "Wait a minute, then try again from the app.",
)
_BAD_LINK: Final = Explanation(
    "The app’s request is not valid",
    "The link that brought you here is incomplete or wrong.",
    f"{_FROM_THE_APP} If that leads here again, tell whoever made the app what stands below.",
    names_rule=True,
)


def explain(error: OAuthError) -> Explanation:
    if error.status == 429:
        return _TOO_OFTEN
    by_code = _BY_CODE.get(error.code, _BAD_LINK)
    return _BY_SENTENCE.get(error.description, by_code)
