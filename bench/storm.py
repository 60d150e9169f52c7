"""`python -m bench.storm URL USER PASSWORD NUMBER`: sign in so often at once; print the rate.

In a process of its own: a client with hundreds of connections keeps others of its process waiting.
"""

import asyncio
import sys
import time

import httpx


async def sign_in_at_once(base: str, username: str, password: str, number: int) -> float:
    """Return how many sign-ins a second came of so many at once; each has to be let in."""
    proof = {"username": username, "password": password}
    limits = httpx.Limits(max_connections=number)
    async with httpx.AsyncClient(base_url=base, timeout=120, limits=limits) as client:
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(client.post("/sign-in", json=proof) for _ in range(number))
        )
        seconds = time.perf_counter() - began
    assert {one.status_code for one in answers} == {200}, answers[0].text
    return number / seconds


if __name__ == "__main__":
    base, username, password, number = sys.argv[1:]
    print(asyncio.run(sign_in_at_once(base, username, password, int(number))))
