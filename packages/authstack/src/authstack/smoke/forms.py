"""The forms of a page, as a browser would submit them (WHATWG HTML §4.10)."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_NOT_SUBMITTED = frozenset({"submit", "button", "reset", "image", "file"})
_ONLY_WHEN_CHECKED = frozenset({"checkbox", "radio"})


@dataclass(slots=True)
class Form:
    """Names and values in the order of the page."""

    action: str = ""
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    password_field: str | None = None

    def has_button(self, name: str, value: str) -> bool:
        return (name, value) in self.buttons

    def has_field(self, name: str) -> bool:
        return any(name == each for each, _ in self.fields)

    def filled(
        self, values: dict[str, str], button: tuple[str, str] | None = None
    ) -> list[tuple[str, str]]:
        """What is sent when these fields are typed into and this button is pressed."""
        typed = [(name, values.get(name, value)) for name, value in self.fields]
        return [*typed, button] if button else typed


def read_forms(page: str) -> list[Form]:
    parser = _FormParser()
    parser.feed(page)
    parser.close()
    return parser.forms


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(found.get("action", ""), found.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None and "disabled" not in found:
            if tag == "input":
                self._add_input(self._open, found)
            elif tag == "button" and found.get("type", "submit").lower() == "submit":
                self._add_button(self._open, found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _add_input(self, form: Form, found: dict[str, str]) -> None:
        kind = found.get("type", "text").lower()
        if kind == "submit":
            self._add_button(form, found)
        elif kind in _NOT_SUBMITTED or not found.get("name"):
            return
        elif kind in _ONLY_WHEN_CHECKED:
            if "checked" in found:
                form.fields.append((found["name"], found.get("value", "on")))
        else:
            form.fields.append((found["name"], found.get("value", "")))
            if kind == "password":
                form.password_field = found["name"]

    def _add_button(self, form: Form, found: dict[str, str]) -> None:
        if found.get("name"):
            form.buttons.append((found["name"], found.get("value", "")))
