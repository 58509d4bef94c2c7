"""The emulator's mailbox beside a page: what Cognito would have mailed."""

from html import escape

from cognito_emulator.verification import IssuedCode

NOTHING = "<p>There is no mail, or it has expired.</p>\n"


def mailbox_panel(says: str, to: str, mail: IssuedCode | None, note: str = "") -> str:
    """HTML. Its look says that it is not part of Cognito's page."""
    letter = (
        f"<p>To <strong>{escape(to)}</strong>: {escape(says)}\n"
        f'<code id="mailed-code">{escape(mail.value)}</code></p>\n'
        if mail
        else NOTHING
    )
    more = f"<p>{escape(note)}</p>\n" if note else ""
    return (
        '<aside class="mailbox" aria-labelledby="mailbox">\n'
        '<h2 id="mailbox">The emulator&rsquo;s mailbox</h2>\n'
        "<p>Cognito would send an email. The emulator sends none: this is what it would say."
        f"</p>\n{letter}{more}</aside>\n"
    )
