"""A log-in under way: decided once, taken once, and only by the browser that consented."""

import asyncio
from dataclasses import replace

import pytest

from cimd_bridge.records.handles import new_id, new_secret
from cimd_bridge.records.outcomes import Unknown
from cimd_bridge.records.transactions import (
    AlreadyCompleted,
    Decision,
    Taken,
    Transaction,
    Transactions,
    WrongBrowser,
)

LOCATION = "https://idp.example/authorize?state=first"


FORGERIES = {
    "empty": lambda state: "",
    "no handle": lambda state: "nonsense",
    "line feed": lambda state: state + "\n",
    "no secret": lambda state: state.partition(".")[0],
    "another secret": lambda state: state.partition(".")[0] + "." + new_secret(),
    "another id": lambda state: new_id() + "." + state.partition(".")[2],
    "truncated": lambda state: state[:-1],
    "hash tag inside": lambda state: "a}{b:" + state,
    "wildcard": lambda state: "*." + state.partition(".")[2],
    "long id": lambda state: "a" * 65 + "." + state.partition(".")[2],
}


@pytest.fixture
def transactions(bridge):
    return bridge.transactions


async def approve(
    transactions: Transactions,
    transaction: Transaction,
    *,
    form_id: str,
    browser_id: str = "browser-a",
    location: str = LOCATION,
) -> tuple[Decision, str]:
    secret = new_secret()
    decision = await transactions.decide(
        form_id,
        browser_id=browser_id,
        decision="approve",
        location=location,
        transaction=transaction,
        state_secret=secret,
    )
    return decision, Transactions.upstream_state(form_id, secret)


async def deny(transactions, form_id, *, browser_id="browser-a", location=LOCATION):
    return await transactions.decide(
        form_id,
        browser_id=browser_id,
        decision="deny",
        location=location,
        transaction=None,
        state_secret=None,
    )


@pytest.mark.requirement("CB3")
async def test_another_browser_consumes_nothing(transactions, transaction):
    _, state = await approve(transactions, transaction, form_id=new_id())
    for other in ("browser-b", ""):
        assert await transactions.take(state, other) == WrongBrowser()
    assert isinstance(await transactions.take(state, "browser-a"), Taken)


@pytest.mark.requirement("CB3")
async def test_another_browser_learns_no_outcome(transactions, transaction):
    _, state = await approve(transactions, transaction, form_id=new_id())
    await transactions.take(state, "browser-a")
    assert await transactions.take(state, "browser-b") == WrongBrowser()


@pytest.mark.requirement("CB2")
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_an_unknown_state_takes_nothing(transactions, transaction, forge):
    _, state = await approve(transactions, transaction, form_id=new_id())
    assert await transactions.take(forge(state), "browser-a") == Unknown()
    assert isinstance(await transactions.take(state, "browser-a"), Taken)


@pytest.mark.requirement("CB4")
async def test_of_twenty_parallel_callbacks_one_takes_the_transaction(replicas, transaction):
    _, state = await approve(replicas[0].transactions, transaction, form_id=new_id())
    found = await asyncio.gather(
        *(replicas[i % 4].transactions.take(state, "browser-a") for i in range(20))
    )
    assert sum(isinstance(one, Taken) for one in found) == 1
    assert found.count(AlreadyCompleted("under_way")) == 19


@pytest.mark.requirement("CB4")
async def test_a_taken_transaction_remembers_what_became_of_it(transactions, transaction):
    form_id = new_id()
    _, state = await approve(transactions, transaction, form_id=form_id)
    await transactions.take(state, "browser-a")
    assert await transactions.take(state, "browser-a") == AlreadyCompleted("under_way")
    await transactions.finish(form_id, "completed")
    assert await transactions.take(state, "browser-a") == AlreadyCompleted("completed")


async def test_only_a_taken_transaction_learns_an_outcome(transactions, transaction, store):
    form_id, stranger = new_id(), new_id()
    _, state = await approve(transactions, transaction, form_id=form_id)
    await transactions.finish(form_id, "completed")
    await transactions.finish(stranger, "completed")
    assert not await store.redis.exists(store.key("txn", stranger))
    assert isinstance(await transactions.take(state, "browser-a"), Taken)


async def test_everything_about_the_request_comes_back(transactions, transaction):
    form_id = new_id()
    for asked in (
        transaction,
        replace(transaction, client_state=None, upstream_client_id=None, scopes=()),
    ):
        form_id = new_id()
        _, state = await approve(transactions, asked, form_id=form_id)
        assert await transactions.take(state, "browser-a") == Taken(form_id, asked)


async def test_the_same_decision_by_the_same_browser_goes_where_the_first_went(
    transactions, transaction
):
    form_id = new_id()
    first, state = await approve(transactions, transaction, form_id=form_id)
    again, second_state = await approve(
        transactions, transaction, form_id=form_id, location="https://idp.example/other"
    )
    assert first == Decision("fresh", LOCATION)
    assert again == Decision("repeated", LOCATION)
    assert await transactions.take(second_state, "browser-a") == Unknown()
    assert isinstance(await transactions.take(state, "browser-a"), Taken)


async def test_a_repeated_denial_goes_where_the_first_went(transactions, store):
    form_id = new_id()
    assert await deny(transactions, form_id) == Decision("fresh", LOCATION)
    assert not await store.redis.exists(store.key("txn", form_id))
    again = await deny(transactions, form_id, location="https://client.example/other")
    assert again == Decision("repeated", LOCATION)


async def test_twenty_parallel_posts_of_one_form_make_one_transaction(replicas, transaction):
    form_id = new_id()
    found = await asyncio.gather(
        *(
            approve(
                replicas[i % 4].transactions,
                transaction,
                form_id=form_id,
                location=f"https://i/{i}",
            )
            for i in range(20)
        )
    )
    fresh = [decision for decision, _ in found if decision.kind == "fresh"]
    assert len(fresh) == 1
    assert {decision.location for decision, _ in found} == {fresh[0].location}
    taken = [await replicas[0].transactions.take(state, "browser-a") for _, state in found]
    assert sum(isinstance(one, Taken) for one in taken) == 1


async def test_another_browser_cannot_repeat_a_decision(transactions, transaction):
    form_id = new_id()
    await approve(transactions, transaction, form_id=form_id)
    again, _ = await approve(transactions, transaction, form_id=form_id, browser_id="browser-b")
    assert again == Decision("refused", None)


async def test_another_browser_cannot_repeat_a_denial(transactions):
    form_id = new_id()
    await deny(transactions, form_id)
    assert await deny(transactions, form_id, browser_id="browser-b") == Decision("refused", None)


async def test_a_denial_cannot_become_an_approval(transactions, transaction):
    form_id = new_id()
    await deny(transactions, form_id)
    again, state = await approve(transactions, transaction, form_id=form_id)
    assert again == Decision("refused", None)
    assert await transactions.take(state, "browser-a") == Unknown()


async def test_an_approval_cannot_become_a_denial(transactions, transaction):
    form_id = new_id()
    _, state = await approve(transactions, transaction, form_id=form_id)
    assert await deny(transactions, form_id) == Decision("refused", None)
    assert isinstance(await transactions.take(state, "browser-a"), Taken)


async def test_a_taken_transaction_refuses_its_form(transactions, transaction):
    form_id = new_id()
    _, state = await approve(transactions, transaction, form_id=form_id)
    await transactions.take(state, "browser-a")
    again, _ = await approve(transactions, transaction, form_id=form_id)
    assert again == Decision("refused", None)


async def test_an_expired_transaction_refuses_its_form(transactions, transaction, store):
    form_id = new_id()
    await approve(transactions, transaction, form_id=form_id)
    await store.redis.delete(store.key("txn", form_id))
    again, _ = await approve(transactions, transaction, form_id=form_id)
    assert again == Decision("refused", None)


async def test_form_and_transaction_expire(transactions, transaction, store):
    form_id = new_id()
    form, txn = store.key("form", form_id), store.key("txn", form_id)
    _, state = await approve(transactions, transaction, form_id=form_id)
    assert 590 < await store.redis.ttl(txn) <= 600
    assert 1190 < await store.redis.ttl(form) <= 1200
    await store.redis.expire(txn, 5)
    await transactions.take(state, "browser-a")
    assert 590 < await store.redis.ttl(txn) <= 600


async def test_a_taken_transaction_leaves_no_content_behind(transactions, transaction, store):
    form_id = new_id()
    _, state = await approve(transactions, transaction, form_id=form_id)
    await transactions.take(state, "browser-a")
    assert not await store.redis.hexists(store.key("txn", form_id), "record")
    assert not await store.redis.hexists(store.key("form", form_id), "location")


@pytest.mark.parametrize(
    ("decision", "with_transaction", "with_state"),
    [("approve", False, False), ("approve", True, False), ("deny", True, True)],
)
async def test_half_a_decision_is_a_mistake_of_ours(
    transactions, transaction, decision, with_transaction, with_state
):
    with pytest.raises(ValueError, match="approval"):
        await transactions.decide(
            new_id(),
            browser_id="browser-a",
            decision=decision,
            location=LOCATION,
            transaction=transaction if with_transaction else None,
            state_secret=new_secret() if with_state else None,
        )
