"""Forms as a browser would submit them."""

from authstack.smoke.forms import read_forms

CONSENT = """
<form method="post" action="/consent">
  <input type="hidden" name="request" value="sealed&amp;more">
  <input type="hidden" name="csrf" value="abc">
  <button type="submit" name="decision" value="deny">Deny</button>
  <button name="decision" value="approve">Approve</button>
</form>"""

KEYCLOAK = """
<form id="kc-form-login" action="http://localhost:8080/realms/mcp/login?x=1&amp;y=2" method="POST">
  <input tabindex="2" id="username" name="username" value="" type="text" autofocus>
  <input id="password" name="password" type="password" autocomplete="current-password">
  <button type="button" aria-label="Show password">eye</button>
  <input id="rememberMe" name="rememberMe" type="checkbox">
  <input type="hidden" name="credentialId">
  <input name="login" id="kc-login" type="submit" value="Sign In">
</form>
<form action="/search"><input name="q" disabled></form>"""


def test_the_button_that_is_pressed_is_sent_and_the_other_is_not() -> None:
    (form,) = read_forms(CONSENT)
    assert form.has_button("decision", "approve")
    assert form.filled({}, ("decision", "approve")) == [
        ("request", "sealed&more"),
        ("csrf", "abc"),
        ("decision", "approve"),
    ]


def test_a_log_in_form_is_filled_without_what_nobody_checked() -> None:
    login, search = read_forms(KEYCLOAK)
    assert login.method == "post"
    assert login.action == "http://localhost:8080/realms/mcp/login?x=1&y=2"
    assert login.password_field == "password"
    assert login.filled({"username": "u", "password": "p"}) == [
        ("username", "u"),
        ("password", "p"),
        ("credentialId", ""),
    ]
    assert (search.method, search.fields) == ("get", [])


def test_a_box_that_is_checked_is_sent() -> None:
    (form,) = read_forms("<form><input type=checkbox name=a checked><input type=radio name=b>")
    assert form.filled({}) == [("a", "on")]


def test_fields_outside_of_a_form_belong_to_none() -> None:
    assert read_forms("<input name=a><p>no form</p>") == []
