"""The panel of attacks, as a visitor without JavaScript uses it."""

import re

from fakes.client_world import Page, World

from demo_clients.attacks.bearer_tokens import EXPIRED_MARGIN_SECONDS


async def attack(world: World, name: str) -> Page:
    if name == "expired-token":
        world.resource.refused |= set(world.issuer.access_tokens)
        world.time.now += 300 + EXPIRED_MARGIN_SECONDS
    return await world.browser.submit(f"/attacks/{name}")


def card(page: Page, name: str) -> str:
    found = re.search(rf'<article [^>]*id="{name}".*?</article>', page.text, re.S)
    assert found is not None
    return found[0]


def result(page: Page, name: str) -> str | None:
    found = re.search(r'^<article [^>]*data-result="(\w+)"', card(page, name))
    return found[1] if found else None


def statuses(page: Page, name: str) -> list[tuple[str, str]]:
    return re.findall(r'data-step="(\w+)" data-status="(\d+)"', card(page, name))
