"""`make deploy-test`: builds the image and runs deploy/compose.yaml through its whole life.

Up, migrate, the tour, a rolling restart and an upgrade under load, backup, restore, down.
"""

import asyncio
import shutil
import sys
import time
from argparse import ArgumentParser, Namespace
from base64 import b64encode
from contextlib import suppress
from secrets import token_bytes, token_hex

from services.console.ports import free_port
from services.console.settings import PROJECT
from tests.deploy import kube, steps
from tests.deploy.engine import WORK, Engine, Failed, Stack, worker_of
from tests.deploy.images import MOST_MEGABYTES, Images, beside_base, build, previous_source, provide

LOG = PROJECT / "build" / "deploy-test.log"


def main() -> int:
    """Run the whole trial; 1 when a step failed, and 0 with one line where there is no engine."""
    parser = ArgumentParser(prog="make deploy-test", description=__doc__)
    parser.add_argument("--previous", help="commit to upgrade from; default: the newest before")
    parser.add_argument("--only", choices=("life", "upgrade"), help="one of the two halves")
    arguments = parser.parse_args()
    if shutil.which("podman") is None:
        print("skipped: no container engine (make deploy-tools installs podman on Debian)")
        return 0
    engine = Engine(LOG)
    WORK.mkdir(parents=True, exist_ok=True)
    engine.prepare()
    began = time.monotonic()
    try:
        asyncio.run(_trial(engine, arguments))
    except (Failed, TimeoutError, ExceptionGroup) as failed:
        for reason in _reasons(failed):
            engine.note(reason)
        engine.note(f"the whole log: {LOG.relative_to(PROJECT)}")
        return 1
    engine.note(f"all ok in {time.monotonic() - began:.0f} s; log: {LOG.relative_to(PROJECT)}")
    return 0


def _reasons(failed: Exception) -> list[str]:
    """Return what went wrong; of several at once each."""
    if isinstance(failed, ExceptionGroup):
        return [reason for one in failed.exceptions for reason in _reasons(one)]
    return [str(failed) or "it took too long"]


async def _trial(engine: Engine, arguments: Namespace) -> None:
    images = await provide(engine)
    await _build_both(engine, images, arguments.previous)
    words = {
        **images.servers,
        "POSTGRES_PASSWORD": token_hex(24),
        "SERVICE_PASSWORD": token_hex(24),
        "VALKEY_PASSWORD": token_hex(24),
        "WUFEI_SECRET_KEY": b64encode(token_bytes(32)).decode(),
    }
    names = ("wufei-trial", "wufei-trial-restored", "wufei-trial-upgraded")
    stacks = [Stack(engine, name, free_port(), words) for name in names]
    try:
        if arguments.only != "upgrade":
            await _life(engine, stacks[0], stacks[1], images)
        if arguments.only != "life":
            await _upgrade(engine, stacks[2], images)
    except BaseException:
        await _keep_logs(engine, stacks)
        raise
    finally:
        with suppress(Failed):
            for stack in stacks:
                await stack.down(image=images.current)


async def _build_both(engine: Engine, images: Images, revision: str | None) -> None:
    with engine.step("build the image") as told:
        await build(engine, PROJECT, base=images.base, tag=images.current)
        size = await beside_base(engine, images.current, images.base)
        told.append(f"{size:.0f} MB beside its base, {MOST_MEGABYTES} are allowed")
        if size > MOST_MEGABYTES:
            raise Failed(f"the image holds {size:.0f} MB beside its base")
        worker = await beside_base(engine, worker_of(images.current), images.base)
        told.append(f"the worker's {worker:.0f} MB, with what writes papers")
    with engine.step("build the previous image") as told:
        source, found = await previous_source(engine, revision)
        await build(engine, source, base=images.base, tag=images.previous)
        # An image is run by the compose file that came with it.
        engine.compose_files[images.previous] = source / "deploy" / "compose.yaml"
        told.append(
            f"of commit {found[:10]}, schema {(source / 'migrations/HEAD').read_text()}".rstrip()
        )


async def _life(engine: Engine, stack: Stack, other: Stack, images: Images) -> None:
    image = images.current
    with engine.step("compose up, with its migration"):
        await stack.up(image=image)
    with engine.step("plan and first key") as told:
        admin = await steps.first_words(stack, image=image)
        told.append(await steps.ready(stack))
    with engine.step("the image is read-only and not root") as told:
        told.append(await _confined(stack))
    with engine.step("the tour") as told:
        told.append(f"{await steps.tour(stack, admin)} steps show what they promise")
    with engine.step("the pods of deploy/kubernetes, played by podman") as told:
        await kube.play(stack, image=image, told=told)
    load = await steps.load_for(stack, admin)
    with engine.step("rolling restart of api and worker under load") as told:
        await steps.replace_each(stack, load, image=image, told=told)
    with engine.step("backup, doors stopped") as told:
        await stack.compose("stop", *steps.DOORS, image=image)
        before = await steps.contents(stack)
        told.append(f"{await steps.back_up(stack):.1f} MB")
    with engine.step("restore into a fresh volume and compare") as told:
        began = time.monotonic()
        await steps.restore(other, image=image)
        told.append(f"restored after {time.monotonic() - began:.1f} s")
        told.append(await steps.compare(engine, before, await steps.contents(other)))
        told.append((await other.wufei("score", "recompute", image=image)).splitlines()[-1])
        await other.doors(image=image)
        told.append(
            f"serving again, {await steps.ready(other)}, {time.monotonic() - began:.1f} s after"
        )
    with engine.step("down"):
        for one in (stack, other):
            await one.down(image=image)
        left = await engine.podman("ps", "--all", "--quiet")
        if left.strip():
            raise Failed(f"containers are left: {left}")


async def _upgrade(engine: Engine, stack: Stack, images: Images) -> None:
    with engine.step("compose up from the previous image") as told:
        await stack.up(image=images.previous)
        admin = await steps.first_words(stack, image=images.previous)
        told.append(await steps.ready(stack))
    load = await steps.load_for(stack, admin)
    with engine.step("upgrade from it under load") as told:
        await steps.upgrade(stack, load, image=images.current, told=told)
        told.append(
            (await stack.wufei("score", "recompute", image=images.current)).splitlines()[-1]
        )
        told.append(await steps.ready(stack))
    with engine.step("down"):
        await stack.down(image=images.current)


async def _confined(stack: Stack) -> str:
    """See in each door that it is user 10001, has no capability, and can write nothing but /tmp."""
    look = (
        "import os; status = open('/proc/self/status').read();"
        "caps = status.split('CapEff:')[1].split()[0];"
        "print(os.getuid(), int(caps, 16), os.access('/opt/wufei', os.W_OK),"
        " os.statvfs('/').f_flag & os.ST_RDONLY)"
    )
    for service in steps.DOORS:
        said = await stack.engine.podman("exec", stack.container(service), "python", "-c", look)
        if said.split() != ["10001", "0", "False", "1"]:
            raise Failed(f"{service} runs as {said}")
    return "user 10001, no capability, nothing writable"


async def _keep_logs(engine: Engine, stacks: list[Stack]) -> None:
    for stack in stacks:
        for service in ("postgres", "valkey", *steps.DOORS, "front"):
            await engine.attempt("podman", "logs", "--tail", "60", stack.container(service))


if __name__ == "__main__":
    sys.exit(main())
