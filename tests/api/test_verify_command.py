"""`wufei verify` of papers that the API gave out: alone, beside each other, and asking the API."""

import asyncio
import base64
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.api.papers.signing_key_routes import published
from services.core.kit.sealing import Seal
from services.core.kit.signatures import Signer
from services.core.papers.traced_files import PURPOSE
from tests.support.api import ROOT, XINMI, Door
from tests.support.commands import said
from tests.support.papers import a_paper, a_year_with_evidence, content, figures, made
from tests.support.serving import served


async def verified(*arguments: str, **environment: str) -> tuple[int | None, str]:
    """Run `wufei verify`; return how it ended and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.console", "verify", *arguments, "--language", "en"),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return await said(process)


async def files_of(door: Door, paper: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Write the files of a paper into a folder; return their paths by format."""
    paths = {}
    for one in paper["files"]:
        path = folder / f"{paper['kind']}.{one['format']}"
        path.write_bytes(await content(door, dict(paper), one["format"]))
        paths[one["format"]] = str(path)
    return paths


async def got(door: Door, paper_id: str) -> dict[str, Any]:
    async with await door.as_("leader") as leader:
        found: dict[str, Any] = (await leader.get(f"/papers/{paper_id}")).json()
    return found


async def test_a_paper_is_verified_and_its_figure_traced_without_a_network(
    door: Door, tmp_path: Path
) -> None:
    paper = await got(door, await a_paper(door))
    paths = await files_of(door, paper, tmp_path)
    u08 = (await figures(door, paper))["indicator/U08"]
    number = str(u08["number"])
    for form in ("docx", "xlsx"):
        code, output = await verified(paths[form], "--figure", number)
        assert code == 0, output
        assert f"Whole: paper, {paper['figures']} figures, code {paper['code']}" in output
        assert f"[{number}] {u08['label']}: {u08['shown']} (2021)" in output
        assert f"    value = {u08['facts']['value']}\n" in output
        assert f"    of the ledger up to position {paper['position']}" in output
        assert "signed by the key" in output, "whose key it is must be known otherwise"
    code, output = await verified(paths["pdf"])
    assert (code, "by --beside" in output) == (1, True), output
    code, output = await verified(paths["pdf"], "--beside", paths["docx"], "--figure", number)
    assert (code, f"[{number}] {u08['label']}" in output) == (0, True), output
    altered = tmp_path / "altered.pdf"
    altered.write_bytes(await content(door, paper, "pdf") + b"%")
    code, output = await verified(str(altered), "--beside", paths["docx"])
    assert (code, "First fault: PDF: it is not the one" in output) == (1, True), output
    code, output = await verified(paths["xlsx"], "--figure", "99999")
    assert (code, "carries no figure [99999]" in output) == (1, True), output


async def test_the_ledger_says_which_paper_it_is_and_where_a_figure_is_from(
    door: Door, tmp_path: Path
) -> None:
    paper = await got(door, await a_paper(door))
    paths = await files_of(door, paper, tmp_path)
    number = str((await figures(door, paper))["indicator/U08"]["number"])
    key = await door.new_key("office")
    async with served(door.app) as port:
        asked = {"WUFEI_URL": f"http://127.0.0.1:{port}", "WUFEI_KEY": key}
        for form in ("docx", "pdf"):
            plan = ("--plan", XINMI) if form == "pdf" else ()
            code, output = await verified(
                paths[form], "--online", "--figure", number, *plan, **asked
            )
            assert code == 0, output
            assert f"As the ledger keeps it: {paper['title']}, number" in output
            assert "2021 UN15 40.65 (submission " in output
        code, output = await verified(paths["pdf"], "--online", **asked)
        assert (code, "Name the plan with --plan" in output) == (1, True), output
        other = tmp_path / "other.pdf"
        other.write_bytes(b"%PDF-1.7\nof somebody else\n")
        code, output = await verified(str(other), "--online", "--plan", XINMI, **asked)
        assert (code, "the ledger has no such paper" in output) == (1, True), output
        code, output = await verified(paths["docx"], "--online", "--figure", "99999", **asked)
        assert code == 1, output


async def test_the_keys_are_published_and_an_outsider_needs_no_other(
    door: Door, tmp_path: Path
) -> None:
    paper = await got(door, await a_paper(door))
    paths = await files_of(door, paper, tmp_path)
    async with door.client(None) as anybody:
        answer = await anybody.get("http://wufei.test/.well-known/wufei-signing-keys.json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "public, max-age=600"
    keys = answer.json()["keys"]
    assert [(one["signs"], one["current"]) for one in keys] == [
        (kind, True) for kind in ("papers", "packages", "file_drops", "audit")
    ]
    assert door.held.seal is not None
    (of_papers,) = Signer(door.held.seal, PURPOSE).public_keys
    assert keys[0]["public_key"] == of_papers.hex()
    for one in keys:
        jwk = OKPKey.import_key(one)
        assert jwk.thumbprint() == one["kid"]
        assert not jwk.is_private
        raw = base64.urlsafe_b64decode(one["x"] + "=")
        assert raw.hex() == one["public_key"]
    by_another = Signer(Seal([b"x" * 32]), PURPOSE).public_keys[0].hex()
    async with served(door.app) as port:
        url = f"http://127.0.0.1:{port}"
        code, output = await verified(paths["docx"], "--keys-from", url, WUFEI_KEY="")
        assert (code, "signed by the key" in output) == (0, False), output
        key = await door.new_key("office")
        asked = ("--online", "--plan", XINMI, "--url", url)
        code, output = await verified(paths["docx"], *asked, WUFEI_KEY=key)
        assert (code, "signed by the key" in output) == (0, False), output
        code, output = await verified(
            paths["docx"], *asked, "--public-key", by_another, WUFEI_KEY=key
        )
        assert code == 1, "what the caller trusts is not widened"
        code, output = await verified(paths["docx"], "--keys-from", f"{url}/nowhere")
        assert code == 1, output
        assert "publishes no keys" in output


def test_a_replaced_key_is_published_behind_the_one_that_signs_now() -> None:
    old, new = Seal([b"a" * 32]), Seal([b"b" * 32, b"a" * 32])
    told = published(new)
    of_papers = [one for one in told if one.signs == "papers"]
    assert [one.current for one in of_papers] == [True, False]
    assert of_papers[1].public_key == Signer(old, PURPOSE).public_keys[0].hex()
    assert len({one.kid for one in told}) == len(told) == 8


async def test_a_pack_tells_the_evidence_beside_a_figure(door: Door, tmp_path: Path) -> None:
    year = await a_year_with_evidence(door)
    paper = await made(door, kind="self_assessment", period=year)
    paths = await files_of(door, paper, tmp_path)
    u08 = (await figures(door, paper))["indicator/U08"]
    code, output = await verified(paths["zip"], "--figure", str(u08["number"]))
    assert code == 0, output
    assert "Whole: archive of evidence" in output
    assert f"[{u08['number']}] {u08['label']}: {u08['shown']}" in output
    assert "    evidence " in output
    code, output = await verified(paths["pdf"], "--beside", paths["zip"])
    assert code == 0, output
