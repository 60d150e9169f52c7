"""The contract is valid for others too: a validator of OpenAPI that checks defaults as well."""

from copy import deepcopy

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.contract import CONTRACT


def test_a_validator_of_openapi_accepts_the_contract() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(CONTRACT).iter_errors()] == []


def test_it_would_refuse_a_default_that_does_not_fit() -> None:
    schemas = {"EndpointPatch": deepcopy(CONTRACT["components"]["schemas"]["EndpointPatch"])}
    schemas["EndpointPatch"]["properties"]["url"]["default"] = ""
    small = {**CONTRACT, "paths": {}, "webhooks": {}, "components": {"schemas": schemas}}
    assert [error.message for error in OpenAPIV31SpecValidator(small).iter_errors()] != []
