"""The pages: plain HTML, no script, light and dark by the browser's preference."""

import base64
import hashlib
from html import escape
from string import Template

from aiohttp import web

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif;--edge:light-dark(#767b85,#8b919c);
--ground:light-dark(#f4f5f7,#14161a);--card:light-dark(#fff,#1e2127);--text:light-dark(#16191f,#e8eaed);
--accent:light-dark(#0b5cad,#8ab8f0);--on-accent:light-dark(#fff,#0d1b2b);--bad:light-dark(#a81c1c,#ff9c94);
--good:light-dark(#1a7f37,#7ee2a0)}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;
justify-content:center;padding:1rem;background:var(--ground);color:var(--text)}
main,.mailbox{width:100%;max-width:24rem;padding:clamp(1.25rem,6vw,2rem);border-radius:.75rem}
main{background:var(--card);
border:1px solid color-mix(in srgb,var(--edge) 35%,transparent)}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .25rem}
p{margin:.25rem 0 1.25rem}
label{display:block;font-weight:600;margin-top:1rem}
.hint{margin:.1rem 0 .4rem;font-size:.9rem}
a{color:var(--accent)}
.links{margin:1.25rem 0 0}
.links a{display:inline-block;padding:.15rem 0}
input{width:100%;font:inherit;color:inherit;background:transparent;
padding:.6rem .7rem;margin-top:.25rem;border:1px solid var(--edge);border-radius:.4rem}
[aria-invalid]{border-color:var(--bad)}
button{width:100%;font:inherit;font-weight:600;margin-top:1.5rem;padding:.7rem;
border:0;border-radius:.4rem;background:var(--accent);color:var(--on-accent);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
button.second{margin-top:.5rem;background:transparent;color:var(--accent);
border:1px solid currentColor}
.error{color:var(--bad);border-left:4px solid currentColor;padding-left:.75rem}
label~.error{margin:.1rem 0 .4rem}
.notice{border-left:4px solid var(--good);padding-left:.75rem}
.mailbox{margin-top:1rem;padding-block:1rem;border:2px dashed var(--edge)}
.mailbox h2{font-size:1rem;margin:0}
.mailbox p{margin:.5rem 0}
.mailbox code{display:block;font:600 1.6rem/1.4 ui-monospace,monospace;letter-spacing:.2em}
footer{margin-top:1.5rem;font-size:.85rem;opacity:.8}
code,strong{overflow-wrap:anywhere}
"""

STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode("ascii")

# No form-action: browsers apply it to the whole redirect chain, which ends at the app.
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$content
<footer>Cognito emulator for development and tests. This is not Amazon Cognito.</footer>
</main>
$aside</body>
</html>
""")

_ERROR = Template("""<h1>Something went wrong</h1>
<p class="error" role="alert">An error was encountered with the requested page.</p>
<p>Error: <code>$error</code></p>
$client""")

_FOREIGN_FORM = """<h1>Something went wrong</h1>
<p class="error" role="alert">The form must come from this page.</p>
<p>Nothing was sent. Go back to the app and begin again.</p>"""

_CLIENT = Template("<p>App client: <code>$client_id</code></p>")


def page(title: str, content: str, status: int = 200, aside: str = "") -> web.Response:
    """A whole page with the headers that every page has. `content` and `aside` are HTML already."""
    html = _PAGE.substitute(title=escape(title), style=STYLE, content=content, aside=aside)
    return web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)


def heading(title: str, client_name: str) -> str:
    """What the page is for, and for whom."""
    return (
        f"<h1>{escape(title)}</h1>\n<p>to continue to <strong>{escape(client_name)}</strong></p>\n"
    )


def error_page(error: str, client_id: str) -> web.Response:
    """Cognito's own error page, status 400."""
    client = _CLIENT.substitute(client_id=escape(client_id)) if client_id else ""
    return page("Error", _ERROR.substitute(error=escape(error), client=client), status=400)


def foreign_form_page() -> web.Response:
    """For a form that another site sent."""
    return page("Error", _FOREIGN_FORM, status=403)
