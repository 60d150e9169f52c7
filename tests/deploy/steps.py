"""The steps of a trial on a running stack; each says in words and figures what it saw."""

import asyncio
import re
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.deploy.engine import WORK, Engine, Failed, Stack
from tests.deploy.load import DOCUMENT, PLAN, Answers, Load, units
from tests.support.tour import environment, put_programs, steps_of, typed

DOORS = ("api-1", "api-2", "worker")
_SETTLED_WITHIN = 300
_READY_WITHIN = 300
_BEFORE_AND_AFTER = 5.0
_DUMP = WORK / "wufei.dump"
_TABLES = (
    "SELECT format('%I', c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
)
_CONTENT = (
    "SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM {} t"
)


async def first_words(stack: Stack, *, image: str) -> str:
    """Load the plan and make the first key, as the README says; return its secret."""
    await stack.wufei("plan", "load", DOCUMENT, image=image)
    name = ("--name", "first administrator")
    said = await stack.wufei("key", "create", "--role", "system_admin", *name, image=image)
    found = re.search(r"^secret +(\S+)", said, re.MULTILINE)
    if found is None:
        raise Failed(f"no secret of a key in:\n{said}")
    return found[1]


async def load_for(stack: Stack, admin: str) -> Load:
    """Return callers of a stack, with a key for each unit and the office's."""
    url = f"http://127.0.0.1:{stack.port}"
    keys: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=f"{url}/v1", timeout=60) as client:
        for unit in [*units(), None]:
            role = "office" if unit is None else "reporter"
            body = {"name": f"{role} {unit}", "role": role, "organization_code": unit}
            answer = await client.post(
                "/api-keys", json=body, headers={"Authorization": f"Bearer {admin}"}
            )
            if answer.status_code != 201:
                raise Failed(f"a key was answered {answer.status_code}: {answer.text}")
            keys[unit or "office"] = answer.json()["secret"]
    return Load(url, keys, keys["office"])


async def tour(stack: Stack, admin: str) -> int:
    """Type the tour of the pages against the stack; return how many steps it has."""
    steps = steps_of("English")
    with TemporaryDirectory(prefix="wufei-tour-") as made:
        folder = Path(made)
        put_programs(folder)
        (folder / "var").mkdir()
        (folder / "var" / "admin.key").write_text(admin)
        code, printed = await typed(steps, environment(folder, stack.port))
    if code != 0:
        raise Failed(f"the tour ended with {code}: {printed[-1]}")
    for step, seen in zip(steps, printed, strict=False):
        # Here an operator loaded the plan, not `make run`.
        pattern = step.pattern().replace(re.escape("wufei up"), ".*")
        if re.fullmatch(pattern, seen) is None:
            raise Failed(f"the tour promises\n{step.shown}\nand shows\n{seen}")
    return len(steps)


async def replace_each(stack: Stack, load: Load, *, image: str, told: list[str]) -> None:
    """Replace each door after the other under load, in containers made anew from `image`."""
    async with load.running() as answers:
        await asyncio.sleep(_BEFORE_AND_AFTER)
        await _replace(stack, image, told)
        await asyncio.sleep(_BEFORE_AND_AFTER)
    await judge(stack, answers, told)


async def upgrade(stack: Stack, load: Load, *, image: str, told: list[str]) -> None:
    """Bring a stack to another image under load: the schema first, then the doors."""
    async with load.running() as answers:
        await asyncio.sleep(_BEFORE_AND_AFTER)
        began = time.monotonic()
        said = await stack.wufei("migrate", image=image)
        told.append(f"{said.splitlines()[-1]}, in {time.monotonic() - began:.1f} s")
        await _replace(stack, image, told)
        await asyncio.sleep(_BEFORE_AND_AFTER)
    await judge(stack, answers, told)


async def _replace(stack: Stack, image: str, told: list[str]) -> None:
    for service in DOORS:
        began = time.monotonic()
        name = stack.container(service)
        await stack.engine.podman("stop", name)
        stopped = time.monotonic() - began
        await stack.engine.podman("rm", name)
        await stack.start(service, image=image)
        code = await stack.engine.podman("inspect", "--format", "{{.ImageName}}", name)
        told.append(
            f"{service}: stopped in {stopped:.1f} s, well again after"
            f" {time.monotonic() - began:.1f} s, {code.strip()}"
        )


async def judge(stack: Stack, answers: Answers, told: list[str]) -> None:
    """See that each acknowledged write is there, and that no caller was told of a fault of ours.

    Raises:
        Failed: a write is lost, or an answer was 5xx.
    """
    kept = await ids(stack)
    lost = len(set(answers.acknowledged) - kept)
    told.append(answers.line(lost))
    if lost or answers.server_faults or not answers.acknowledged:
        raise Failed(answers.line(lost))
    await settled(stack)


async def ids(stack: Stack) -> set[str]:
    """Return the ids of all submissions in a stack's database."""
    return set((await psql(stack, "SELECT id FROM submission")).split())


async def psql(stack: Stack, statement: str) -> str:
    """Run a statement in a stack's database and return what it gives, bare."""
    return await stack.engine.podman(
        *("exec", stack.container("postgres"), "sh", "-c"),
        "PGPASSWORD=$POSTGRES_PASSWORD exec psql --host=127.0.0.1 --username=wufei --no-psqlrc"
        ' --tuples-only --no-align --set ON_ERROR_STOP=1 --command "$0" wufei',
        statement,
    )


async def ready(stack: Stack) -> str:
    """Wait until a stack says that it is ready, and return what it answered.

    Raises:
        Failed: it does not within five minutes.
    """
    said = "nothing"
    async with httpx.AsyncClient(timeout=20) as client:
        for _ in range(_READY_WITHIN):
            with suppress(httpx.TransportError):
                answer = await client.get(f"http://127.0.0.1:{stack.port}/readyz")
                said = f"{answer.status_code}: {answer.text}"
                if answer.status_code == httpx.codes.OK:
                    return "/readyz answers 200"
            await asyncio.sleep(1)
    raise Failed(f"/readyz answers {said}")


async def settled(stack: Stack) -> None:
    """Wait until every event is numbered and followed."""
    async with asyncio.timeout(_SETTLED_WITHIN), httpx.AsyncClient(timeout=20) as client:
        while True:
            answer = await client.get(f"http://127.0.0.1:{stack.port}/readyz")
            if answer.json().get("drain_lag_seconds", 0) is None:
                return
            await asyncio.sleep(1)


async def contents(stack: Stack) -> dict[str, str]:
    """Return by table how many rows it has and a digest of them all."""
    tables = (await psql(stack, _TABLES)).split()
    return {table: (await psql(stack, _CONTENT.format(table))).strip() for table in tables}


async def back_up(stack: Stack) -> float:
    """Dump a stack's database as the runbook says; return the dump's size in megabytes."""
    inside = "/tmp/wufei.dump"  # noqa: S108 (in the container)
    await stack.engine.podman(
        *("exec", stack.container("postgres"), "sh", "-c"),
        "PGPASSWORD=$POSTGRES_PASSWORD exec pg_dump --host=127.0.0.1 --username=wufei"
        f" --format=custom --file={inside} wufei",
    )
    await stack.engine.podman("cp", f"{stack.container('postgres')}:{inside}", str(_DUMP))
    return _DUMP.stat().st_size / 1e6


async def restore(stack: Stack, *, image: str) -> None:
    """Restore the dump into a stack's fresh volume, and start the doors on it."""
    inside = "/tmp/wufei.dump"  # noqa: S108 (in the container)
    for service in ("postgres", "valkey"):
        await stack.start(service, image=image)
    await stack.engine.podman("cp", str(_DUMP), f"{stack.container('postgres')}:{inside}")
    await stack.engine.podman(
        *("exec", stack.container("postgres"), "sh", "-c"),
        "PGPASSWORD=$POSTGRES_PASSWORD exec pg_restore --host=127.0.0.1 --username=wufei"
        f" --no-privileges --single-transaction --exit-on-error --dbname=wufei {inside}",
    )
    # What roles may do is not in a dump that may be restored anywhere: the migration says it.
    await stack.wufei("migrate", image=image)


async def compare(engine: Engine, one: dict[str, str], other: dict[str, str]) -> str:
    """Return how much was compared.

    Raises:
        Failed: a table differs.
    """
    differing = sorted(table for table in one | other if one.get(table) != other.get(table))
    if differing:
        engine.note(f"differing: {', '.join(differing)}")
        raise Failed(f"the restored database differs in {', '.join(differing)}")
    rows = sum(int(told.split("|")[0]) for told in one.values())
    return f"{len(one)} tables with {rows} rows are the same, row by row ({PLAN})"
