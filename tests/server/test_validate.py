"""`$validate` over HTTP: every problem of a resource, and what the partner cannot hold; no partner is called."""

import json

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.server.test_message import of_patient
from tests.serving import Canned

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
CANON = "https://fhir-bridge.example/fhir"
PREPERSON = f"{CANON}/StructureDefinition/ehealth-preperson"
STATUS_IN = f"{CANON}/StructureDefinition/wmda-update-search-status-in"
KNOWN = ", ".join(
    f"{CANON}/StructureDefinition/ehealth-{name}"
    for name in ("exchange-code-in", "new-preperson", "preperson", "refresh-token-in")
)
PLACE = "Parameters.parameter"
VALIDATE = "/fhir/ehealth/Patient/$validate"
IVANOV: Json = {"resourceType": "Patient", "id": ID, "gender": "male"}
NEW: Json = {**IVANOV, "identifier": [{"system": f"{CANON}/sid/ehealth-external-id", "value": "1"}]}
WRONG: Json = {"resourceType": "Patient", "gender": "other", "birthDate": "1980", "photo": [{"title": "x"}]}
FINE = outcome(issue("done", "informational", "No problem was found.", severity="information"))
TOLD = outcome(
    issue(
        "not-in-value-set",
        "code-invalid",
        "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
        "Patient.gender",
    ),
    issue(
        "cannot-be-sent",
        "value",
        "`birthDate` cannot be sent: a full date is needed here: YYYY-MM-DD.",
        "Patient.birthDate",
    ),
    issue(
        "left-behind",
        "not-supported",
        "eHealth Ukraine cannot hold this element; it is left behind.",
        "Patient.photo[0]",
        severity="information",
    ),
)


async def validated(client: httpx.AsyncClient, partner: Canned, url: str, body: Json, **headers: str) -> Json:
    """Return the outcome of a validation, having seen that nobody was called."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await client.post(url, json=body, headers={"Content-Type": "application/fhir+json"} | named)
    assert partner.calls() == []
    assert response.status_code == 200
    return response.json()


@pytest.mark.parametrize("url", [VALIDATE, "/fhir/Patient/$validate"])
@pytest.mark.parametrize(("body", "told"), [(IVANOV, FINE), (WRONG, TOLD)], ids=["right", "wrong"])
@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_resource_is_validated_bare_or_as_a_parameter(
    canned: httpx.AsyncClient, partner: Canned, url: str, body: Json, told: Json, wrapped: bool
) -> None:
    """The status is 200 in any case: the validation was carried out. At the hub, its profile tells whose it is."""
    claiming = {**body, "meta": {"profile": [PREPERSON]}}
    sent = parameters({"name": "resource", "resource": claiming}) if wrapped else claiming

    assert await validated(canned, partner, url, sent) == told


@pytest.mark.parametrize(
    ("id_", "mode", "body", "differs"),
    [
        (ID, None, IVANOV, False),
        (ID, None, {"resourceType": "Patient", "gender": "male"}, False),
        (ID, None, {**IVANOV, "id": "other"}, True),
        (ID, "update", IVANOV, False),
        (ID, "update", {"resourceType": "Patient", "gender": "male"}, True),
        (ID, "create", {**NEW, "id": "other"}, False),
    ],
)
async def test_an_update_is_validated_with_its_id(
    canned: httpx.AsyncClient, partner: Canned, id_: str, mode: str | None, body: Json, differs: bool
) -> None:
    """As the update itself would be."""
    query = "" if mode is None else f"?mode={mode}"

    told = await validated(canned, partner, f"/fhir/ehealth/Patient/{id_}/$validate{query}", body)

    text = "The id in the body must be the id in the address; make them the same."
    assert told == (outcome(issue("id-differs", "invalid", text, "Patient.id")) if differs else FINE)


@pytest.mark.parametrize(("id_", "differs"), [("bj6.1", False), ("other", True)])
@pytest.mark.parametrize("query", ["", "?mode=update"])
async def test_the_id_of_a_message_is_its_patients(
    canned: httpx.AsyncClient, partner: Canned, id_: str, differs: bool, query: str
) -> None:
    """The Bundle needs none."""
    told = await validated(canned, partner, f"/fhir/roche/Bundle/{id_}/$validate{query}", of_patient("bj6.1"))

    text = "The id in the body must be the id in the address; make them the same."
    place = "Bundle.entry[1].resource.id"
    assert told == (outcome(issue("id-differs", "invalid", text, place)) if differs else FINE)


async def test_an_id_that_the_partner_never_gives_is_told(canned: httpx.AsyncClient, partner: Canned) -> None:
    told = await validated(canned, partner, "/fhir/wmda/Patient/abc/$validate", {"resourceType": "Patient"})

    text = "WMDA Search & Match has no such Patient: its ids are of the form positive-integer."
    assert outcome(issue("invalid-id", "not-found", text, "Patient.id"))["issue"][0] in told["issue"]


@pytest.mark.parametrize("mode", ["create", "update", "profile"])
async def test_a_mode_may_be_named(canned: httpx.AsyncClient, partner: Canned, mode: str) -> None:
    """In the address, or beside the resource."""
    body = parameters({"name": "mode", "valueCode": mode}, {"name": "resource", "resource": NEW})

    assert await validated(canned, partner, VALIDATE, body) == FINE
    assert await validated(canned, partner, f"{VALIDATE}?mode={mode}", NEW) == FINE
    wrapped = parameters({"name": "resource", "resource": NEW})
    assert await validated(canned, partner, f"{VALIDATE}?mode={mode}", wrapped) == FINE


async def test_what_is_to_be_created_needs_what_creating_needs(canned: httpx.AsyncClient, partner: Canned) -> None:
    """An update may leave the external id out. The mode counts in the address of Parameters too."""
    told = await validated(canned, partner, f"{VALIDATE}?mode=create", IVANOV)
    wrapped = parameters({"name": "resource", "resource": IVANOV})
    assert await validated(canned, partner, f"{VALIDATE}?mode=create", wrapped) == told

    text = f"`identifier` with `system` `{CANON}/sid/ehealth-external-id` is missing; add it."
    assert told == outcome(issue("too-few", "required", text, "Patient.identifier"))


async def test_a_deletion_needs_no_resource(canned: httpx.AsyncClient, partner: Canned) -> None:
    """It is asked whether the base deletes at all. https://hl7.org/fhir/R4/resource-operation-validate.html"""
    deletion = parameters({"name": "mode", "valueCode": "delete"})

    of_type = await validated(canned, partner, VALIDATE, deletion)
    of_one = await validated(canned, partner, f"/fhir/ehealth/Patient/{ID}/$validate", deletion)

    text = "eHealth Ukraine does not offer `delete` of Patient at this address. It allows {}."
    assert of_type == outcome(issue("method-not-allowed", "not-supported", text.format("PUT, PATCH, POST, GET, HEAD")))
    assert of_one == outcome(issue("method-not-allowed", "not-supported", text.format("GET, HEAD, PUT, PATCH")))


@pytest.mark.parametrize("profile", [PREPERSON, f"{PREPERSON}|1.0.0"])
async def test_a_profile_may_be_named(canned: httpx.AsyncClient, partner: Canned, profile: str) -> None:
    """Beside the resource, or in the address, whether the resource is a parameter or not."""
    wrapped = parameters({"name": "resource", "resource": WRONG})
    naming = parameters({"name": "resource", "resource": WRONG}, {"name": "profile", "valueUri": profile})

    assert await validated(canned, partner, VALIDATE, naming) == TOLD
    assert await validated(canned, partner, f"{VALIDATE}?profile={profile}", wrapped) == TOLD
    assert await validated(canned, partner, f"{VALIDATE}?profile={profile}", WRONG) == TOLD


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (VALIDATE, WRONG),
        ("/fhir/roche/Bundle/$validate", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
        ("/fhir/Patient/$validate", WRONG),
    ],
)
@pytest.mark.parametrize("version", ["", "|4.0.1"])
async def test_by_fhirs_own_definition_no_partner_has_a_say(
    canned: httpx.AsyncClient, partner: Canned, url: str, body: Json, version: str
) -> None:
    """What the partner would refuse, or leave behind, is none of it."""
    profile = f"http://hl7.org/fhir/StructureDefinition/{body['resourceType']}{version}"

    right = await validated(canned, partner, f"{url}?profile={profile}", body)
    wrong = await validated(canned, partner, f"{url}?profile={profile}", {**body, "language": 5})

    assert right == FINE
    text = "`language` must be a string, not a number."
    assert wrong == outcome(issue("wrong-type", "structure", text, f"{body['resourceType']}.language"))


@pytest.mark.parametrize("wrapped", [False, True])
async def test_at_the_hub_an_identity_system_tells_whose_rules_count(
    canned: httpx.AsyncClient, partner: Canned, wrapped: bool
) -> None:
    """As it would tell who is sent the resource."""
    body: Json = {**WRONG, "identifier": [{"system": f"{CANON}/sid/ehealth-external-id", "value": "1"}]}
    sent = parameters({"name": "resource", "resource": body}) if wrapped else body

    assert await validated(canned, partner, "/fhir/Patient/$validate", sent) == TOLD


async def test_parameters_are_validated_by_the_profile_of_their_operation(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """In the address, since they are no parameters of `$validate`."""
    url = f"/fhir/wmda/Parameters/$validate?profile={STATUS_IN}"

    right = await validated(canned, partner, url, parameters({"name": "status", "valueCode": "SUS"}))
    wrong = await validated(canned, partner, url, parameters({"name": "reason", "valueCode": "PDC"}))

    assert right == FINE
    assert wrong == outcome(
        issue("too-few", "required", "`parameter` with `name` `status` is missing; add it.", "Parameters.parameter")
    )


async def test_a_message_is_validated_in_the_version_of_the_base(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The partner's own sample is right, in STU3."""
    assert await validated(canned, partner, "/fhir/roche/Bundle/$validate", json.loads(REQUEST)) == FINE


async def test_a_type_that_nobody_takes_is_validated_by_fhir_alone(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Its structure, and its own rules."""
    observation = {"resourceType": "Observation", "effectivePeriod": {"start": "2020-01-02", "end": "2020-01-01"}}

    told = await validated(canned, partner, "/fhir/ehealth/Observation/$validate", observation)

    assert told == outcome(
        issue("rule-broken", "invariant", "`start` must not be after `end` (per-1).", "Observation.effective.start"),
        issue("element-missing", "required", "`status` is missing; Observation requires it.", "Observation.status"),
        issue("element-missing", "required", "`code` is missing; Observation requires it.", "Observation.code"),
    )


@pytest.mark.parametrize(
    ("url", "body", "status", "told"),
    [
        (
            VALIDATE,
            None,
            400,
            issue("wrong-resource-type", "required", "The body is empty; send a Patient.", "Patient"),
        ),
        (
            VALIDATE,
            {"resourceType": "Observation"},
            400,
            issue(
                "wrong-resource-type",
                "invalid",
                "`resourceType` must be `Patient` here; send a Patient.",
                "resourceType",
            ),
        ),
        (
            f"{VALIDATE}?mode=guess",
            IVANOV,
            400,
            issue(
                "value-not-allowed",
                "value",
                "`mode` is one of create, update, delete, profile.",
                "http.mode",
            ),
        ),
        (
            f"{VALIDATE}?profile=http://elsewhere.example/x",
            IVANOV,
            404,
            issue(
                "unknown-path",
                "not-supported",
                f"This profile is not known here; known are {KNOWN}.",
                "http.profile",
            ),
        ),
        (
            f"{VALIDATE}?mode=guess",
            parameters({"name": "resource", "resource": IVANOV}),
            400,
            issue("value-not-allowed", "value", "`mode` is one of create, update, delete, profile.", "http.mode"),
        ),
        (
            f"{VALIDATE}?profile=http://elsewhere.example/x",
            parameters({"name": "resource", "resource": IVANOV}),
            404,
            issue(
                "unknown-path", "not-supported", f"This profile is not known here; known are {KNOWN}.", "http.profile"
            ),
        ),
        (
            VALIDATE,
            parameters({"name": "resource", "resource": IVANOV}, {"name": "mode", "valueCode": "guess"}),
            400,
            issue(
                "value-not-allowed",
                "value",
                "`mode` is one of create, update, delete, profile.",
                f"{PLACE}[1].value",
            ),
        ),
        (
            f"{VALIDATE}?profile={PREPERSON}",
            parameters(
                {"name": "resource", "resource": IVANOV}, {"name": "profile", "valueUri": "http://elsewhere.example/x"}
            ),
            404,
            issue(
                "unknown-path",
                "not-supported",
                f"This profile is not known here; known are {KNOWN}.",
                f"{PLACE}[1].value",
            ),
        ),
        (
            VALIDATE,
            {"resourceType": "Parameters"},
            400,
            issue(
                "element-missing",
                "required",
                "`resource` is missing; send the resource as this parameter, or as the body itself.",
                "Parameters.parameter",
            ),
        ),
        (
            f"{VALIDATE}?mode=update",
            parameters({"name": "profile", "valueUri": PREPERSON}),
            400,
            issue(
                "element-missing",
                "required",
                "`resource` is missing; send the resource as this parameter, or as the body itself.",
                "Parameters.parameter",
            ),
        ),
        (
            VALIDATE,
            {"resourceType": "Parameters", "parameter": None},
            400,
            issue(
                "empty-value", "structure", "`parameter` is null; leave out what has no value.", "Parameters.parameter"
            ),
        ),
        (
            VALIDATE,
            parameters({"name": "resource", "resource": IVANOV}, {"name": "mode", "valueCode": 5}),
            400,
            issue("wrong-type", "structure", "`valueCode` must be a string, not a number.", f"{PLACE}[1].value"),
        ),
        (
            VALIDATE,
            parameters({"name": "resource", "resource": IVANOV}, {"name": "resource", "resource": IVANOV}),
            422,
            issue("too-many", "invalid", "`resource` occurs at most once; remove the others.", f"{PLACE}[1]"),
        ),
        (
            VALIDATE,
            parameters({"name": "resource", "resource": IVANOV}, {"name": "colour", "valueCode": "red"}),
            422,
            issue(
                "no-slice",
                "invalid",
                "`$validate` has no parameter `colour`; known are `resource`, `mode` and `profile`.",
                f"{PLACE}[1]",
            ),
        ),
        (
            VALIDATE,
            parameters({"name": "resource", "resource": IVANOV}, {"name": "mode", "valueString": "create"}),
            422,
            issue("too-few", "required", "`valueCode` is missing; add it.", f"{PLACE}[1]"),
        ),
    ],
)
async def test_what_cannot_be_validated_is_an_error(
    canned: httpx.AsyncClient, partner: Canned, url: str, body: Json, status: int, told: Json
) -> None:
    """The request itself is wrong."""
    response = await canned.post(url, json=body) if body else await canned.post(url)

    assert (response.status_code, response.json()) == (status, outcome(told))
    assert partner.calls() == []
