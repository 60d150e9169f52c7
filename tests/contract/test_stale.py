"""The committed contract is the one that the code makes."""

from services.api.contract.__main__ import PATH, text
from services.api.contract.document import as_yaml
from services.api.main import create_contract_app


def test_the_committed_contract_is_what_the_code_says() -> None:
    stale = PATH.read_text(encoding="utf-8") != text()
    assert not stale, "contracts/openapi.yaml is stale: run `make contract` and review the diff"


def test_the_contract_is_made_the_same_every_time() -> None:
    app = create_contract_app()
    first = as_yaml(app.openapi())
    app.openapi_schema = None
    assert as_yaml(app.openapi()) == first
