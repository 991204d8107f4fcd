"""The pool: a flood waits or is sent away, and takes no more memory and threads than were given."""

import asyncio
import threading

import pytest

from stockade.identity.passwords import hashing
from stockade.identity.passwords.hashing import TooManyAtTheDoor, hash_password, in_pool, verify_hash

PASSWORD = "correct horse battery staple"


async def test_each_hash_is_argon2id_of_the_demanded_cost_with_a_salt_of_its_own() -> None:
    made = [await hash_password(PASSWORD) for _ in range(3)]
    assert all(item.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for item in made)
    assert len({item.split("$")[4] for item in made}) == 3


async def test_nobodys_password_costs_a_hash_and_is_wrong() -> None:
    assert await verify_hash(PASSWORD, None) == (False, None)


async def test_a_flood_is_bounded_and_the_rest_is_asked_to_come_back() -> None:
    at_once, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def work() -> str:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        go.wait(10)
        with lock:
            at_once -= 1
        return "done"

    tasks = [asyncio.create_task(in_pool(work)) for _ in range(200)]
    await asyncio.sleep(0.2)
    refused = [task for task in tasks if task.done()]
    go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert len(refused) == 200 - hashing.THREADS - hashing.WAITING
    assert most == hashing.THREADS
    assert answers.count("done") == hashing.THREADS + hashing.WAITING
    problem = next(item for item in answers if isinstance(item, TooManyAtTheDoor))
    assert problem.status == 503
    assert problem.members["retry_after"] == hashing.RETRY_AFTER_SECONDS
    assert await in_pool(lambda: "after") == "after"


async def test_whoever_hangs_up_gets_no_second_place_while_the_work_goes_on() -> None:
    go = threading.Event()
    working = [asyncio.create_task(in_pool(lambda: go.wait(10))) for _ in range(hashing.THREADS)]
    await asyncio.sleep(0.1)
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    waiting = [asyncio.create_task(in_pool(lambda: go.wait(10))) for _ in range(hashing.WAITING)]
    await asyncio.sleep(0.1)
    with pytest.raises(TooManyAtTheDoor):
        await in_pool(lambda: "one more")
    go.set()
    await asyncio.gather(*waiting)
    assert await in_pool(lambda: "after") == "after"


async def test_work_that_fails_gives_its_place_back() -> None:
    for _ in range(hashing.THREADS + hashing.WAITING + 5):
        with pytest.raises(ZeroDivisionError):
            await in_pool(lambda: 1 // 0)
    assert await in_pool(lambda: "after") == "after"
