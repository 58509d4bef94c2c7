"""The pages: plain HTML, no script, light and dark by the browser's preference."""

import base64
import hashlib
from html import escape
from string import Template

from aiohttp import web

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif;--edge:light-dark(#767b85,#8b919c);
--ground:light-dark(#f4f5f7,#14161a);--card:light-dark(#fff,#1e2127);--text:light-dark(#16191f,#e8eaed);
--accent:light-dark(#0b5cad,#8ab8f0);--on-accent:light-dark(#fff,#0d1b2b);--bad:light-dark(#a81c1c,#ff9c94)}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;
background:var(--ground);color:var(--text)}
main{width:100%;max-width:24rem;background:var(--card);padding:2rem;border-radius:.75rem;
border:1px solid color-mix(in srgb,var(--edge) 35%,transparent)}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .25rem}
p{margin:.25rem 0 1.25rem}
label{display:block;font-weight:600;margin-top:1rem}
input{width:100%;font:inherit;color:inherit;background:transparent;
padding:.6rem .7rem;margin-top:.25rem;border:1px solid var(--edge);border-radius:.4rem}
button{width:100%;font:inherit;font-weight:600;margin-top:1.5rem;padding:.7rem;
border:0;border-radius:.4rem;background:var(--accent);color:var(--on-accent);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.error{color:var(--bad);border-left:4px solid currentColor;padding-left:.75rem}
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
</body>
</html>
""")

_LOGIN = Template("""<h1>Sign in</h1>
<p>to continue to <strong>$client_name</strong></p>
$problem<form method="post" action="$action">
<label for="username">Username</label>
<input id="username" name="username" value="$username" autocomplete="username"
 autocapitalize="none" spellcheck="false" required maxlength="128"$focus_username>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password"
 required maxlength="256"$focus_password>
<button type="submit">Sign in</button>
</form>""")

_PROBLEM = Template("""<p class="error" role="alert">$problem</p>
""")

_ERROR = Template("""<h1>Something went wrong</h1>
<p class="error" role="alert">An error was encountered with the requested page.</p>
<p>Error: <code>$error</code></p>
$client""")

_CLIENT = Template("<p>App client: <code>$client_id</code></p>")


def page(title: str, content: str, status: int = 200) -> web.Response:
    """A whole page with the headers that every page has. `content` is HTML already."""
    html = _PAGE.substitute(title=escape(title), style=STYLE, content=content)
    return web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)


def login_page(
    client_name: str, action: str, *, username: str = "", problem: str = ""
) -> web.Response:
    """The log-in form; with a problem it is 400 and says what is wrong."""
    content = _LOGIN.substitute(
        client_name=escape(client_name),
        action=escape(action),
        username=escape(username),
        problem=_PROBLEM.substitute(problem=escape(problem)) if problem else "",
        focus_username="" if username else " autofocus",
        focus_password=" autofocus" if username else "",
    )
    return page("Sign in", content, status=400 if problem else 200)


def error_page(error: str, client_id: str) -> web.Response:
    """Cognito's own error page, status 400."""
    client = _CLIENT.substitute(client_id=escape(client_id)) if client_id else ""
    return page("Error", _ERROR.substitute(error=escape(error), client=client), status=400)
