"""Forms as HTML: labels, hints and problems bound to their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cognito_emulator.rules.sign_up import EMAIL
from cognito_emulator.rules.user_pool import UserPool


@dataclass(frozen=True, slots=True)
class Field:
    """One line that somebody fills in."""

    name: str
    label: str
    autocomplete: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    max_length: int = 128
    is_numeric: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a form is shown again; about some of its fields, or about none of them."""

    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked, and where it goes."""

    action: str
    fields: Sequence[Field]
    button: str
    problem: Problem | None = None
    after_fields: str = ""
    """HTML between the last field and the button."""

    def html(self) -> str:
        """The form, with a problem that is about several fields above it."""
        problem = self.problem
        above = _problem(problem.message) if problem and len(problem.fields) != 1 else ""
        focused = self._focused()
        fields = "".join(self._field(field, field is focused) for field in self.fields)
        return (
            f'{above}<form method="post" action="{escape(self.action)}">\n{fields}'
            f'{self.after_fields}<button type="submit">{escape(self.button)}</button>\n</form>\n'
        )

    def _focused(self) -> Field | None:
        """What is wrong, where that is one field that kept its text; else the first empty one."""
        wrong = self.problem.fields if self.problem else ()
        for field in self.fields:
            if wrong == (field.name,) and field.value:
                return field
        return next((field for field in self.fields if not field.value), None)

    def _field(self, field: Field, is_focused: bool) -> str:
        problem = self.problem
        is_wrong = problem is not None and field.name in problem.fields
        own = _problem(problem.message) if problem and problem.fields == (field.name,) else ""
        hint = f"{field.name}-hint" if field.hint else ""
        attributes = {
            "id": field.name,
            "name": field.name,
            "type": field.kind,
            "value": field.value,
            "autocomplete": field.autocomplete,
            "maxlength": str(field.max_length),
            "autocapitalize": "none",
            "spellcheck": "false",
            "inputmode": "numeric" if field.is_numeric else "",
            "aria-invalid": "true" if is_wrong else "",
            "aria-describedby": " ".join(filter(None, ("problem" if is_wrong else "", hint))),
        }
        switches = " autofocus" if is_focused else ""
        return (
            f'<label for="{field.name}">{escape(field.label)}</label>\n'
            + (f'<p class="hint" id="{hint}">{escape(field.hint)}</p>\n' if hint else "")
            + f"{own}<input{_attributes(attributes)} required{switches}>\n"
        )


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in values.items() if value)


def _problem(message: str) -> str:
    return f'<p class="error" id="problem" role="alert">{escape(message)}</p>\n'


def first_problem(fields: Sequence[Field], typed: Mapping[str, str]) -> Problem | None:
    """What browsers check before they send a form; for programs, and what slips through."""
    for field in fields:
        value = typed[field.name]
        if not value.strip():
            return Problem(f"{field.label} is required.", (field.name,))
        if len(value) > field.max_length:
            return Problem(f"{field.label} is too long.", (field.name,))
        if field.kind == "email" and not EMAIL.fullmatch(value):
            return Problem("Invalid email address format.", (field.name,))
        if field.name == "username" and any(char.isspace() for char in value):
            return Problem(f"{field.label} must not contain spaces.", (field.name,))
    return None


def link(href: str, text: str) -> str:
    """A link to another page."""
    return f'<a href="{escape(href)}">{escape(text)}</a>'


def username_label(pool: UserPool) -> str:
    """What people sign in with."""
    if not pool.username_attributes:
        return "Username"
    kinds = {"email": "Email", "phone_number": "Phone number"}
    return " or ".join(kinds[name] for name in kinds if name in pool.username_attributes)


def password_problem(pool: UserPool, password: str) -> Problem | None:
    """Everything that is wrong with a new password; the API names one thing at a time."""
    problems = pool.password_policy.problems(password)
    if not problems:
        return None
    return Problem(f"Password did not conform with policy: {'; '.join(problems)}.", ("password",))
