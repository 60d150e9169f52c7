"""The contract is valid for others too: a validator of OpenAPI that checks defaults as well."""

from copy import deepcopy
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.api.contract.__main__ import PATH

CONTRACT: dict[str, Any] = yaml.load(PATH.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def test_a_validator_of_openapi_accepts_the_contract() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(CONTRACT).iter_errors()] == []


def test_it_would_refuse_a_default_that_does_not_fit() -> None:
    schemas = {"EndpointPatch": deepcopy(CONTRACT["components"]["schemas"]["EndpointPatch"])}
    schemas["EndpointPatch"]["properties"]["url"]["default"] = ""
    small = {**CONTRACT, "paths": {}, "webhooks": {}, "components": {"schemas": schemas}}
    assert [error.message for error in OpenAPIV31SpecValidator(small).iter_errors()] != []
