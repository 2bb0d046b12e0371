"""`$validate`: what a request's checks would say of a resource, and what the partner cannot hold; no call is made."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.fhir.interaction import Preferences
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.mapping.validating import validate
from fhir_bridge.outcome import FhirError, Issue, Json, operation_outcome
from tests.mapping.lab import SEX, URL, ask, concept_map, extension, load, operation, parameters, profile

FILE = """\
partner: {name}
title: {title}
connection: {{base_url: $NORTHLAB_URL}}
identity: {{id: positive-integer}}
interactions:
  update Patient: {{call: "PUT /{{id}}", send: {{map: client}}, receive: {{map: client}}}}
  create Patient: {{as: update Patient}}
  read Patient: {{call: "GET /{{id}}", receive: {{map: client}}}}
  patch Patient: {{reads: read Patient, writes: update Patient}}
  $order Patient:
    {{definition: OperationDefinition/order, call: "POST /kits/{{id}}", send: {{map: order}}, receive: {{map: client}}}}
maps:
  client:
    resource: Patient
    profile: StructureDefinition/{name}
    rows:
      birthDate: {{at: born}}
      gender: {{at: person.sex, codes: ConceptMap/sex}}
      active: {{at: person.open, codes: ConceptMap/open}}
      multipleBirthInteger: {{at: person.order}}
    silent: {{id: any}}
  order:
    resource: Parameters
    profile: StructureDefinition/order
    rows: {{'parameter[test].valueCode': {{at: test}}}}
"""
DEFINITIONS = [
    SEX,
    concept_map("open", ("true", "Y"), ("false", "N")),
    operation("order"),
    profile("order", "Parameters", {"id": "Parameters.parameter", "path": "Parameters.parameter", "min": 1}),
    profile("northlab", "Patient", {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}),
    profile("southlab", "Patient"),
]
NORTH = load(FILE.format(name="northlab", title="Northlab"), *DEFINITIONS)
BOTH = load(
    {
        "a.yaml": FILE.format(name="northlab", title="Northlab"),
        "b.yaml": FILE.format(name="southlab", title="Southlab"),
    },
    *DEFINITIONS,
    environment=URL,
)
ADA = {"resourceType": "Patient", "birthDate": "1815-12-10", "gender": "female"}
FINE = Issue("done", "informational", "No problem was found.", severity="information")
MISSING = Issue("too-few", "required", "`birthDate` is missing; add it.", "Patient.birthDate")
DIFFERS = Issue(
    "id-differs", "invalid", "The id in the body must be the id in the address; make them the same.", "Patient.id"
)

UNTOLD = Issue("element-missing", "required", "The body must tell the id of the record that it changes.", "Patient.id")
NOTHING = Issue(
    "nothing-to-send",
    "business-rule",
    "Nothing in this Patient can be sent to {}; give it at least one element that it takes.",
    "Patient",
)
IN_NORTH, IN_SOUTH = (replace(NOTHING, text=NOTHING.text.format(title)) for title in ("Northlab", "Southlab"))
UNKNOWN = Issue(
    "unknown-profile",
    "not-supported",
    "This profile is not known here, so nothing was checked by it.",
    "Patient.meta.profile[0]",
    "warning",
)


def asked(body: Json, resource_type: str = "Patient", id_: str | None = None, **also: Any) -> Any:
    return ask("operation", resource_type, id_, operation="validate", body=body, **also)


def said(*issues: Issue) -> Json:
    return operation_outcome(issues)


def answered(body: Json, *args: Any, partners: Routes = NORTH, **also: Any) -> Json:
    if partners is BOTH:
        also["base"] = None
    response = validate(partners, partners.match, asked(body, *args, **also))
    assert response.status_code == 200
    return response.resource


def behind(path: str) -> Issue:
    text = "Northlab cannot hold this element; it is left behind."
    return Issue("left-behind", "not-supported", text, path, "information")


def test_a_resource_without_a_problem() -> None:
    assert answered(ADA) == said(FINE)
    assert answered(parameters(resource={"resource": ADA})) == said(FINE)


def test_every_problem_as_it_stands_and_what_would_be_left_behind() -> None:
    body = {"resourceType": "Patient", "gender": "other", "photo": [{"title": "a"}]}

    text = "`gender` cannot be sent: the partner knows only `male`, `female`."
    assert answered(body) == said(
        MISSING,
        Issue("code-unknown-to-partner", "code-invalid", text, "Patient.gender"),
        behind("Patient.photo[0]"),
    )


def test_what_is_only_left_behind_is_no_problem() -> None:
    assert answered({**ADA, "photo": [{"title": "a"}]}) == said(FINE, behind("Patient.photo[0]"))


def test_a_code_that_would_be_lost_is_a_problem() -> None:
    body = {**ADA, "active": True, "_gender": extension("unsupported")}
    del body["gender"]

    (issue,) = answered(body)["issue"]

    assert issue["expression"] == ["Patient.gender"]
    assert issue["details"]["coding"][0]["code"] == "code-unknown-to-partner"


def test_what_is_no_fhir_is_told_and_nothing_is_followed_into_it() -> None:
    found = answered({"resourceType": "Patient", "birthDate": ["1815-12-10"]})

    text = "`birthDate` occurs at most once, so it must not be a list."
    assert found["issue"][0] == said(Issue("wrong-type", "structure", text, "Patient.birthDate"))["issue"][0]


@pytest.mark.parametrize(
    ("body", "query", "issues"),
    [
        ({**ADA, "id": "42"}, (), [FINE]),
        (ADA, (), [FINE]),
        ({**ADA, "id": "43"}, (), [DIFFERS]),
        (ADA, (("mode", "update"),), [DIFFERS]),
        ({**ADA, "id": "42"}, (("mode", "update"),), [FINE]),
        (ADA, (("mode", "create"),), [UNTOLD]),
        ({**ADA, "id": "43"}, (("mode", "profile"),), [FINE]),
    ],
)
def test_at_an_instance_the_id_is_that_of_an_update(body: Json, query: Any, issues: list[Issue]) -> None:
    assert answered(body, "Patient", "42", query=query) == said(*issues)


def test_the_id_of_parameters_is_nothing_that_an_update_would_ask_for() -> None:
    body = parameters(resource={"resource": {**parameters(test={"valueCode": "dna"}), "id": "43"}})

    assert DIFFERS.text in str(answered(body, "Parameters", "42"))


def test_what_is_not_offered_cannot_be_right() -> None:
    text = "Northlab does not offer `delete` of Patient at this address. It allows PUT, GET, HEAD, PATCH."
    refused = said(Issue("method-not-allowed", "not-supported", text))

    assert answered(parameters(mode={"valueCode": "delete"}), "Patient", "42") == refused
    assert answered(None, "Patient", "42", query=(("mode", "delete"),)) == refused


def test_an_update_needs_an_id_in_the_address_or_in_the_resource() -> None:
    text = "An update needs an id; ask at `Patient/<id>/$validate`, or give the resource its id."
    update = (("mode", "update"),)

    assert answered(ADA, query=update) == said(Issue("element-missing", "required", text, "Patient.id"))
    assert answered({**ADA, "id": "42"}, query=update) == said(FINE)
    assert answered({**ADA, "id": 42}, query=update)["issue"][0]["expression"] == ["Patient.id"]


@pytest.mark.parametrize("resource_type", ["Resource", "DomainResource"])
def test_an_abstract_type_in_the_address_is_that_of_the_body(resource_type: str) -> None:
    assert answered(ADA, resource_type) == said(FINE)
    assert answered({"resourceType": "Patient"}, resource_type) == said(MISSING, IN_NORTH)
    with pytest.raises(FhirError):
        answered({"resourceType": "Patiant"}, resource_type)


def test_a_strict_client_is_told_what_the_strict_request_would_be() -> None:
    (issue,) = answered({**ADA, "photo": [{"title": "a"}]}, preferences=Preferences(strict=True))["issue"]

    assert (issue["severity"], issue["expression"]) == ("error", ["Patient.photo[0]"])


def test_a_profile_of_somebody_else_changes_no_rule() -> None:
    """A warning says that nothing was checked by it; FHIR's own definition is always kept."""
    body = {"resourceType": "Patient", "meta": {"profile": ["http://example.org/us-core"]}}
    own = {**ADA, "meta": {"profile": [f"{OF_FHIR}|4.0.1", f"{CANONICAL}/StructureDefinition/northlab"]}}

    assert answered(body) == said(MISSING, IN_NORTH, behind("Patient.meta"), UNKNOWN)
    assert answered(own) == said(FINE, behind("Patient.meta"))


@pytest.mark.parametrize("query", [(("mode", "dance"),)])
def test_a_mode_that_fhir_does_not_have(query: Any) -> None:
    with pytest.raises(FhirError) as caught:
        validate(NORTH, NORTH.match, asked(ADA, query=query))

    assert (caught.value.status_code, caught.value.issues) == (
        400,
        (
            Issue(
                "value-not-allowed",
                "value",
                "`mode` is one of create, update, delete, profile.",
                "http.mode",
            ),
        ),
    )


SOUTH = f"{CANONICAL}/StructureDefinition/southlab"
OF_FHIR = "http://hl7.org/fhir/StructureDefinition/Patient"


@pytest.mark.parametrize(
    ("body", "query", "issues"),
    [
        ({"resourceType": "Patient"}, (("profile", "StructureDefinition/northlab"),), [MISSING, IN_NORTH]),
        ({"resourceType": "Patient"}, (("profile", SOUTH),), [IN_SOUTH]),
        (
            {"resourceType": "Patient", "meta": {"profile": [SOUTH]}},
            (),
            [
                IN_SOUTH,
                Issue(
                    "left-behind",
                    "not-supported",
                    "Southlab cannot hold this element; it is left behind.",
                    "Patient.meta",
                    "information",
                ),
            ],
        ),
        (
            {"resourceType": "Patient", "meta": {"profile": [f"{SOUTH}|1.0"]}},
            (),
            [
                IN_SOUTH,
                Issue(
                    "left-behind",
                    "not-supported",
                    "Southlab cannot hold this element; it is left behind.",
                    "Patient.meta",
                    "information",
                ),
                UNKNOWN,
            ],
        ),
        (parameters(resource={"resource": {"resourceType": "Patient"}}, profile={"valueUri": SOUTH}), (), [IN_SOUTH]),
        (
            parameters(resource={"resource": {"resourceType": "Patient"}}, profile={"valueCanonical": SOUTH}),
            (),
            [IN_SOUTH],
        ),
    ],
)
def test_a_profile_tells_at_the_hub_whose_rules_count(body: Json, query: Any, issues: list[Issue]) -> None:
    assert answered(body, partners=BOTH, query=query) == said(*issues)


def test_what_several_partners_take_is_held_to_fhirs_own_rules() -> None:
    text = (
        "Only FHIR's own rules were checked: /fhir/northlab and /fhir/southlab both "
        "take a Patient; ask at one of them, or by profile."
    )
    note = Issue("several-partners-found", "informational", text, severity="information")

    assert answered({"resourceType": "Patient"}, partners=BOTH) == said(FINE, note)


def test_by_fhirs_own_definition_no_partner_is_meant() -> None:
    query = (("profile", OF_FHIR),)

    assert answered({"resourceType": "Patient"}, partners=NORTH, query=query) == said(FINE)
    assert answered({"resourceType": "Patient"}, "Patient", "42", partners=BOTH, query=query) == said(FINE)


@pytest.mark.parametrize(
    "profile", ["http://x.example/p", f"{CANONICAL}/StructureDefinition/northlab|9.9", f"{OF_FHIR}|9.9"]
)
def test_a_profile_that_nobody_has_names_those_that_there_are(profile: str) -> None:
    """A version that nobody has is another profile."""
    with pytest.raises(FhirError) as caught:
        validate(NORTH, NORTH.match, asked(ADA, query=(("profile", profile),)))

    known = f"{CANONICAL}/StructureDefinition/northlab, {CANONICAL}/StructureDefinition/order"
    assert (caught.value.status_code, caught.value.issues) == (
        404,
        (
            Issue(
                "unknown-path",
                "not-supported",
                f"This profile is not known here; known are {known}.",
                "http.profile",
            ),
        ),
    )


def test_parameters_of_an_operation_are_told_by_their_profile() -> None:
    empty = {"resourceType": "Parameters"}
    mine = parameters(resource={"resource": empty}, profile={"valueUri": "StructureDefinition/order"})

    assert answered(parameters(test={"valueCode": "dna"}), "Parameters") == said(FINE)
    assert "Parameters.parameter" in str(answered(mine, "Parameters")["issue"])


@pytest.mark.parametrize("body", [None, [], {"resourceType": "Group"}])
def test_a_body_that_is_no_such_resource(body: Json) -> None:
    with pytest.raises(FhirError) as caught:
        validate(NORTH, NORTH.match, asked(body))

    assert (caught.value.status_code, caught.value.issues[0].error) == (400, "wrong-resource-type")


@pytest.mark.parametrize("odd", [{"meta": 5}, {"meta": {"profile": "x"}}, {"meta": {"profile": [5]}}])
def test_odd_claims_of_profiles_are_the_structures_matter(odd: Json) -> None:
    found = answered({**ADA, **odd})

    assert all(issue["code"] == "structure" for issue in found["issue"])


RESOURCE = {"name": "resource", "resource": ADA}


@pytest.mark.parametrize(
    ("parameter", "status", "issues"),
    [
        (5, 400, [("wrong-type", "parameter")]),
        ([], 400, [("empty-value", "parameter")]),
        ([5, {"name": 5}, RESOURCE], 400, [("wrong-type", "parameter[0]"), ("wrong-type", "parameter[1].name")]),
        ([{"name": "resource", "resource": 5}], 400, [("wrong-type", "parameter[0].resource")]),
        ([{"name": "resource"}], 422, [("too-few", "parameter[0]")]),
        ([{"_name": extension("unsupported"), "valueCode": "x"}], 422, [("no-slice", "parameter[0]")]),
        (
            [RESOURCE, {"name": "colour"}, {"name": "mode", "valueString": "x"}, RESOURCE],
            422,
            [("no-slice", "parameter[1]"), ("too-few", "parameter[2]"), ("too-many", "parameter[3]")],
        ),
    ],
)
def test_all_that_is_wrong_with_the_parameters_is_told(parameter: Json, status: int, issues: Any) -> None:
    with pytest.raises(FhirError) as caught:
        validate(NORTH, NORTH.match, asked({"resourceType": "Parameters", "parameter": parameter}))

    told = [(issue.error, (issue.expression or "").removeprefix("Parameters.")) for issue in caught.value.issues]
    assert (caught.value.status_code, told) == (status, issues)
