"""What the start page tells people to do works when they do it."""

import asyncio
import re
import sys
from html import unescape
from urllib.parse import urljoin

import aiohttp
import pytest
from e2e.conftest import Stack
from fakes.people import somebody

REDIRECT_URI = "http://127.0.0.1:8765/callback"
ANSWER_SECONDS = 60


async def start_page(stack: Stack) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(urljoin(stack.resource, "/"), headers={"Accept": "text/html"}) as answer,
    ):
        assert answer.status == 200
        return await answer.text()


@pytest.mark.requirement("RS1", "ASM1")
async def test_the_metadata_that_it_links_is_there(stack: Stack) -> None:
    page = await start_page(stack)
    links = re.findall(r'<a href="([^"]+/\.well-known/[^"]+)"', page)
    async with aiohttp.ClientSession() as session:
        documents = []
        for link in links:
            async with session.get(link) as answer:
                documents.append(await answer.json())
    resource, issuer = documents
    assert resource["resource"] == stack.resource
    assert [issuer["issuer"]] == resource["authorization_servers"]


async def test_the_demo_clients_that_it_links_are_those_that_run(stack: Stack) -> None:
    page = await start_page(stack)
    assert all(f'<a href="{url}">' in page for url in stack.status["clients"].values())


async def test_the_python_client_of_the_page_runs_as_it_stands(stack: Stack) -> None:
    found = re.search(r'data-testid="python">(.*?)</code>', await start_page(stack), re.DOTALL)
    assert found
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", unescape(found[1])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"BROWSER": "true"},
    )
    assert process.stdout is not None
    invitation = (await process.stdout.readline()).decode().removeprefix("Log in at ").strip()
    async with somebody(*stack.demo_user) as person:
        arrived = await person.answer(invitation, REDIRECT_URI)
    async with asyncio.timeout(ANSWER_SECONDS):
        said, problems = await process.communicate(arrived.encode() + b"\n")
    assert process.returncode == 0, problems.decode()
    assert "whoami - " in said.decode()
