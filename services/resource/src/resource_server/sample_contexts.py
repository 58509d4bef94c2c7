"""What a new user finds, so that the first fetch shows something."""

from typing import Final

from resource_server.context_draft import ContextDraft

SAMPLE_CONTEXTS: Final = (
    ContextDraft(
        "Coffee for the team",
        "Two flat whites, one espresso, one tea without milk. The meeting starts at ten.",
        ("sample", "errands"),
    ),
    ContextDraft(
        "Release checklist",
        "1. Tests are green\n2. The changelog names every change\n3. Someone else has read it",
        ("sample", "work"),
    ),
    ContextDraft(
        "How you got here",
        "Your client showed an access token that the authorization server issued for this "
        "resource. It was verified here, and its scopes allow reading what you see.",
        ("sample", "oauth"),
    ),
)
