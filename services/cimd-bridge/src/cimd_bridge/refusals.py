"""The sentences of refusals that people meet in an authorization; explanations.py says more."""

from typing import Final

CLIENT_UNKNOWN: Final = "The client is not known here"
REDIRECT_NOT_REGISTERED: Final = "The redirect URI is not registered for this client"
FORM_EXPIRED: Final = "This form has expired"
FORM_USED: Final = "This form was already used"
FORM_FOREIGN: Final = "This form cannot be used"
COOKIE_MISSING: Final = "The cookie of this browser is missing"
LOGIN_OF_ANOTHER_BROWSER: Final = "This log-in was started in another browser"
LOGIN_UNKNOWN: Final = "This log-in is not known here or took too long"
PROVIDER_UNREACHABLE: Final = "The identity provider cannot be reached"
