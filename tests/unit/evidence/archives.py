"""Archives of evidence as the worker makes them."""

import io
import zipfile
from datetime import UTC, datetime

from services.core.evidence.archives.contents import LIST, ArchiveWriter
from services.core.evidence.models import Evidence
from services.core.kit.file_faults import sha256
from services.core.kit.ids import new_id
from services.core.kit.sm3 import sm3
from services.core.plan.state import PlanState
from tests.support.api import xinmi

AT = datetime(2026, 1, 5, tzinfo=UTC)
CONTENTS = [b"first", b"second", b"third"]
RISKY_NAMES = ["=1.pdf", '＝HYPERLINK("httpx").txt', "＠sum.pdf"]


def an_archive() -> dict[str, bytes]:
    """Return the parts of an archive as the worker makes it."""
    writer = ArchiveWriter(PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {}))
    for content, name in zip(CONTENTS, RISKY_NAMES, strict=True):
        row = Evidence(
            city_code="410183",
            id=new_id(),
            subject_kind="submission",
            subject_id=str(new_id()),
            organization_code="UN01",
            indicator_code="R01",
            period="2025",
            file_name=name,
            size=len(content),
            sha256=sha256(content),
            sm3=sm3(content).hex(),
            added_at=AT,
        )
        with writer.begin(row) as entry:
            entry.write(content)
    lost = Evidence(
        city_code="410183",
        id=new_id(),
        subject_kind="submission",
        subject_id="x",
        file_name="lost.pdf",
        size=1,
        sha256="0" * 64,
        sm3="0" * 64,
        added_at=AT,
    )
    writer.lacks(lost)
    writer.hold("＋1/index.txt", b"beside", AT)
    writer.end(AT)
    with zipfile.ZipFile(io.BytesIO(writer.ready())) as made:
        return {name: made.read(name) for name in made.namelist()}


PARTS = an_archive()
NAMES = [name for name in PARTS if name != LIST]


def packed(parts: dict[str, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    made.seek(0)
    return made
