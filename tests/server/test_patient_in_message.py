"""`PUT` and `POST` of a Patient by itself, which goes in a message; messages that make a patient; and the read."""

from __future__ import annotations

import copy
import json
from typing import Any

import httpx
import pytest

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import Json
from fhir_bridge.sandbox import roche
from tests.outcomes import issue, outcome
from tests.server.roche_sample import ANSWER, REQUEST
from tests.server.test_message import R4_MESSAGE
from tests.serving import SANDBOX, Canned, serving, shipped, simulated

pytestmark = pytest.mark.anyio

JOHN = "/fhir/roche/Patient/Bj6.1Lq-hvb-28"
HERE = "http://bridge.test"
R4 = {"Content-Type": "application/fhir+json; fhirVersion=4.0", "Accept": "application/fhir+json; fhirVersion=4.0"}
STU3 = {"Content-Type": "application/fhir+json"}
CALL = "https://roche.test/partners/fhir/stu3/api"
PROFILES = "http://roche.com/fhir/rdc/StructureDefinition"
PATIENT_V2 = {"profile": [f"{PROFILES}/patient-v2"]}
OF_CONDITION = {"profile": [f"{PROFILES}/condition"]}

CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "426875007"}]}
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
LADA: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "condition-1",
    "clinicalStatus": ACTIVE,
    "code": CODE,
    "subject": {"reference": "#"},
}
LADA_IN_STU3 = {**LADA, "clinicalStatus": "active"}
BARE: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "Bj6.1Lq-hvb-28",
    "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "12345678Z"}],
    "name": [{"family": "Doe", "given": ["John"]}],
    "telecom": [{"system": "phone", "value": "123456789"}],
}
PATIENT = {**BARE, "contained": [LADA]}


def new(value: str = "87654321X", **elements: Json) -> Json:
    """Return a Patient that is to be made."""
    patient = {key: each for key, each in BARE.items() if key != "id"}
    return {**patient, "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": value}], **elements}


def message(*, id_: str | None = None, value: str = "87654321X") -> Json:
    """Return the partner's own sample about another patient, in STU3."""
    bundle = json.loads(REQUEST)
    patient = bundle["entry"][1]["resource"]
    patient["identifier"][0]["value"] = value
    patient["telecom"] = [{"system": "phone", "value": "1"}]
    patient["id"] = id_
    if id_ is None:
        del patient["id"]
    return bundle


def refused(code: Any, words: str) -> Json:
    """Return the issue for a complaint of the partner; its own code is the issue type."""
    return issue(
        "partner-refused", code, "Roche Diabetes Care refused the request.", partner=("roche", code), diagnostics=words
    )


# --- PUT Patient/{id}


@pytest.mark.parametrize(("headers", "condition"), [(R4, LADA), (STU3, LADA_IN_STU3)])
async def test_a_patient_with_a_condition_goes_in_a_message_and_is_read_again(
    client: httpx.AsyncClient, headers: dict[str, str], condition: Json
) -> None:
    """The client knows nothing of messages; in either version it reads what it wrote, and the profiles it keeps to."""
    response = await client.put(JOHN, json={**BARE, "contained": [condition]}, headers=headers)

    contained = [{**condition, "meta": OF_CONDITION}]
    assert (response.status_code, response.json()) == (200, {**BARE, "meta": PATIENT_V2, "contained": contained})


async def test_the_partner_gets_the_message_that_it_wants(canned: httpx.AsyncClient, partner: Canned) -> None:
    """STU3, with a new header; then the record is read, by the path without a version and without a request id."""
    partner.answer(200, text=ANSWER)
    partner.answer(200, BARE)

    request_id = "5109d51b-421e-4746-b673-16e3fe2b3442"
    await canned.put(JOHN, json=PATIENT, headers=R4 | {"X-Request-Id": request_id})

    update, read = partner.requests
    assert partner.calls() == [f"PUT {CALL}/v2/Bundle/Bj6.1Lq-hvb-28", f"GET {CALL}/Patient/Bj6.1Lq-hvb-28"]
    header = json.loads(update.content)["entry"][0]["resource"]
    assert json.loads(update.content) == {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {
                "resource": {
                    "resourceType": "MessageHeader",
                    "id": header["id"],
                    "meta": {"profile": [f"{PROFILES}/message-header"]},
                    "event": {"system": "http://roche.com/fhir/rdc/message-type", "code": "new-bundle"},
                    "timestamp": header["timestamp"],
                    "source": {"endpoint": "2.16.724.4.2"},
                }
            },
            {"resource": {**BARE, "meta": PATIENT_V2}},
            {
                "resource": {
                    "resourceType": "Condition",
                    "meta": OF_CONDITION,
                    "clinicalStatus": "active",
                    "code": CODE,
                    "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"},
                }
            },
        ],
    }
    sent = [
        {name: each.headers.get(name) for name in ("x-origin-request-id", "org_id", "content-type")}
        for each in (update, read)
    ]
    every = {"x-origin-request-id": request_id, "org_id": "2.16.724.4.2", "content-type": "application/fhir+json"}
    assert sent == [every, every]


async def test_several_conditions_are_as_many_entries_and_come_out_again(client: httpx.AsyncClient) -> None:
    """One that the patient has, and one that is over."""
    second = {**LADA, "id": "condition-2", "clinicalStatus": {"coding": [{**ACTIVE["coding"][0], "code": "inactive"}]}}

    response = await client.put(JOHN, json={**BARE, "contained": [LADA, second]}, headers=R4)

    contained = [{**each, "meta": OF_CONDITION} for each in (LADA, second)]
    assert (response.status_code, response.json()) == (200, {**BARE, "meta": PATIENT_V2, "contained": contained})


async def test_the_organisation_of_the_client_stands_in_the_message_too(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """And in the headers of both calls."""
    partner.answer(200, text=ANSWER)
    partner.answer(200, BARE)

    await canned.put(JOHN, json=PATIENT, headers=R4 | {"org_id": "2.16.724.4.7"})

    source = partner.bodies()[0]["entry"][0]["resource"]["source"]
    assert source == {"endpoint": "2.16.724.4.7"}
    assert [request.headers["org_id"] for request in partner.requests] == ["2.16.724.4.7"] * 2


async def test_an_answer_that_shows_the_state_before_is_not_shown(routes: Routes) -> None:
    """As the partner's own page answers: what is read afterwards counts."""
    app = roche.create_app(echo_previous_state=True)
    async with serving(routes, simulated(roche=app)) as client:
        response = await client.put(JOHN, json=BARE, headers=R4)

    assert response.json() == {**BARE, "meta": PATIENT_V2}


async def test_nor_does_an_answer_without_a_body_hide_it(routes: Routes) -> None:
    """As version 1 answered."""
    app = roche.create_app(empty_answer=True)
    async with serving(routes, simulated(roche=app)) as client:
        response = await client.put(JOHN, json=PATIENT, headers=R4)

    assert (response.status_code, response.json()) == (200, {**BARE, "meta": PATIENT_V2})


@pytest.mark.parametrize("headers", [R4, {}])
async def test_what_was_read_in_part_is_not_sent_back(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Roche takes the whole: what the part lacks would be lost."""
    part = (await client.get(f"{JOHN}?_elements=identifier,name", headers=headers)).json()

    response = await client.put(JOHN, json=part, headers=headers)

    text = "By this tag it is a part of the resource, and what it lacks would be lost; read the whole, and send that."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("rule-broken", "invariant", text, "Patient.meta.tag[0]")),
    )


async def test_a_change_that_cannot_be_shown_is_there_all_the_same(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The read fails: a warning stands in the place of the patient."""
    partner.answer(200, text=ANSWER)
    partner.answer(403, text="ClientID enforcement")

    response = await canned.put(JOHN, json=PATIENT, headers=R4)

    assert (response.status_code, response.json()) == (
        200,
        outcome(
            issue(
                "record-not-shown",
                "incomplete",
                "The partner carried out the call; what became of the record could not be read afterwards. "
                "Read it again, and do not send the change again.",
                severity="warning",
            ),
            issue(
                "partner-credentials-refused",
                "login",
                "Reading it failed: Roche Diabetes Care refused the bridge's own credentials.",
                severity="warning",
                diagnostics="ClientID enforcement",
            ),
        ),
    )


async def test_with_nothing_wanted_back_nothing_is_read(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`Prefer: return=minimal`: one call."""
    partner.answer(200, text=ANSWER)

    response = await canned.put(JOHN, json=PATIENT, headers=R4 | {"Prefer": "return=minimal"})

    assert (response.status_code, response.content, len(partner.requests)) == (200, b"", 1)


async def test_a_patient_that_was_read_can_be_written(client: httpx.AsyncClient) -> None:
    """Also with the array that neither version of FHIR allows, and the partner's own sample has."""
    read = (await client.get(JOHN)).json()

    response = await client.put(JOHN, json={**read, "gender": "other"}, headers=STU3)

    assert read["managingOrganization"] == {"identifier": [{"system": "urn:oid:", "value": "2.16.724.4.2"}]}
    assert (response.status_code, response.json()) == (200, {**read, "gender": "other"})


async def test_in_r4_the_array_is_the_one_identifier_that_it_holds(client: httpx.AsyncClient) -> None:
    """On the read, and on the way back."""
    read = (await client.get(JOHN, headers=R4)).json()

    response = await client.put(JOHN, json=read, headers=R4)

    assert read["managingOrganization"] == {"identifier": {"system": "urn:oid:", "value": "2.16.724.4.2"}}
    assert response.json() == read


# --- what the partner cannot hold

CONFIRMED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]}
ORDINARY: dict[str, Any] = {
    **LADA,
    "verificationStatus": CONFIRMED,
    "category": [{"text": "problem"}, {"text": "encounter"}],
    "code": {"coding": [{**CODE["coding"][0], "version": "2024"}]},
    "onsetDateTime": "2010",
    "recordedDate": "2011",
    "recorder": {"reference": "#dr"},
}
DOCTOR = {"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Ruiz"}]}
BEHIND = (
    "contained[0].category[0]",
    "contained[0].category[1]",
    "contained[0].code.coding[0].version",
    "contained[0].onset",
    "contained[0].recordedDate",
    "contained[0].recorder",
    "contained[1]",
)


def behind(text: str, severity: Any, places: tuple[str, ...]) -> list[Json]:
    title = "Roche Diabetes Care cannot hold this element"
    return [
        issue("left-behind", "not-supported", f"{title}; {text}", f"Patient.{place}", severity=severity)
        for place in places
    ]


async def test_what_the_partner_takes_of_an_ordinary_condition_is_sent(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """Not what its profile does not allow, nor who is contained for the sake of that alone."""
    partner.answer(200, text=ANSWER)
    partner.answer(200, BARE)

    response = await canned.put(JOHN, json={**BARE, "contained": [ORDINARY, DOCTOR]}, headers=R4)

    _, patient, condition = (entry["resource"] for entry in partner.bodies()[0]["entry"])
    assert response.status_code == 200
    assert patient == {**BARE, "meta": PATIENT_V2}
    assert condition == {
        "resourceType": "Condition",
        "meta": OF_CONDITION,
        "clinicalStatus": "active",
        "code": CODE,
        "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"},
    }


async def test_each_element_that_is_left_behind_is_a_warning(client: httpx.AsyncClient) -> None:
    """To who asks for an outcome."""
    body = {**BARE, "contained": [ORDINARY, DOCTOR]}

    response = await client.put(JOHN, json=body, headers=R4 | {"Prefer": "return=OperationOutcome"})

    done = issue("done", "informational", "The partner carried out the call.", severity="information")
    assert (response.status_code, response.json()) == (
        200,
        outcome(done, *behind("it is left behind.", "warning", BEHIND)),
    )


async def test_for_a_strict_client_it_is_a_reason_to_refuse(canned: httpx.AsyncClient, partner: Canned) -> None:
    """And nothing is sent."""
    body = {**BARE, "contained": [ORDINARY, DOCTOR]}

    response = await canned.put(JOHN, json=body, headers=R4 | {"Prefer": "handling=strict"})

    text = "leave it out, or send without `handling=strict`."
    assert (response.status_code, response.json()) == (422, outcome(*behind(text, "error", BEHIND)))
    assert partner.calls() == []


async def test_in_stu3_it_has_the_names_of_stu3(client: httpx.AsyncClient) -> None:
    """Also where an element is no list there; and of a choice."""
    ordinary = {
        **LADA_IN_STU3,
        "verificationStatus": "confirmed",
        "context": {"reference": "Encounter/1"},
        "onsetString": "as a child",
        "assertedDate": "2011",
        "stage": {"summary": {"text": "II"}},
        "note": [{"text": "x"}],
    }
    body = {**BARE, "contained": [ordinary]}

    response = await client.put(JOHN, json=body, headers=STU3 | {"Prefer": "return=OperationOutcome"})

    places = ("context", "onset", "assertedDate", "stage[0]", "note[0]")
    done = issue("done", "informational", "The partner carried out the call.", severity="information")
    told = behind("it is left behind.", "warning", tuple(f"contained[0].{place}" for place in places))
    assert (response.status_code, response.json()) == (200, outcome(done, *told))


async def test_of_a_message_nothing_is_left_behind(canned: httpx.AsyncClient, partner: Canned) -> None:
    """It arrives as it is, or not at all."""
    body = copy.deepcopy(R4_MESSAGE)
    body["entry"][2]["resource"]["recordedDate"] = "2011"

    response = await canned.put("/fhir/roche/Bundle/Bj6.1Lq-hvb-28", json=body, headers=R4)

    text, place = "`recordedDate` is not allowed here; remove it.", "Bundle.entry[2].resource.recordedDate"
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("element-not-allowed", "invalid", text, place)),
    )
    assert partner.calls() == []


async def test_a_doctor_who_is_needed_elsewhere_stays(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Contained in the patient, and what the partner says of it is told where the client has it."""
    complaint = {"severity": "error", "code": "invalid", "expression": ["Patient.contained[0].name"]}
    partner.answer(400, {"resourceType": "OperationOutcome", "issue": [complaint]})

    patient = {**BARE, "generalPractitioner": [{"reference": "#dr"}]}
    response = await canned.put(JOHN, json={**patient, "contained": [ORDINARY, DOCTOR]}, headers=R4)

    assert partner.bodies()[0]["entry"][1]["resource"] == {**patient, "contained": [DOCTOR], "meta": PATIENT_V2}
    assert response.json()["issue"][0]["expression"] == ["Patient.contained[1].name"]


@pytest.mark.parametrize(
    ("condition", "patient", "why"),
    [
        (
            {"extension": [{"url": "http://x.test/by", "valueReference": {"reference": "#dr"}}]},
            {},
            "and cannot refer to another contained resource from there",
        ),
        (
            {},
            {"extension": [{"url": "http://x.test/main", "valueReference": {"reference": "#condition-1"}}]},
            "where no reference to a contained resource finds it",
        ),
    ],
)
async def test_a_condition_that_can_have_no_entry_is_refused(
    canned: httpx.AsyncClient, partner: Canned, condition: Json, patient: Json, why: str
) -> None:
    """It would stay inside the patient, where nobody looks for it."""
    contained = [DOCTOR, {**LADA, **condition}] if condition else [LADA]

    response = await canned.put(JOHN, json={**BARE, **patient, "contained": contained}, headers=R4)

    text = f"In the message this Condition has an entry of its own, {why}; leave that reference out."
    place = f"Patient.contained[{len(contained) - 1}]"
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("cannot-be-sent", "not-supported", text, place)),
    )
    assert partner.calls() == []


# --- what is wrong with it


async def test_a_condition_about_another_patient_is_not_contained(canned: httpx.AsyncClient, partner: Canned) -> None:
    """In a message it passes as it is; here it would be a Condition of this patient."""
    other = {**LADA, "subject": {"reference": "Patient/sample-id-454b-b5c7-f1ed1fb4ght"}}

    response = await canned.put(JOHN, json={**BARE, "contained": [other]}, headers=R4)

    text = (
        "Nothing refers to this contained resource, and it does not refer to the one that contains it; "
        "refer to it by its id, or from it by `#`, or leave it out (dom-3)."
    )
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("rule-broken", "invariant", text, "Patient.contained[0]")),
    )
    assert partner.calls() == []


async def test_a_condition_without_its_id_is_refused(canned: httpx.AsyncClient, partner: Canned) -> None:
    """A contained resource has one."""
    nameless = {key: value for key, value in LADA.items() if key != "id"}

    response = await canned.put(JOHN, json={**BARE, "contained": [nameless]}, headers=R4)

    text = "`id` is missing; a contained resource is referred to by it."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("rule-broken", "invariant", text, "Patient.contained[0].id")),
    )
    assert partner.calls() == []


async def test_a_condition_may_name_its_patient(client: httpx.AsyncClient) -> None:
    """By its address, as the partner's own samples do."""
    own = {**LADA, "subject": {"reference": "Patient/Bj6.1Lq-hvb-28"}}

    response = await client.put(JOHN, json={**BARE, "contained": [own]}, headers=R4)

    assert response.json()["contained"] == [{**LADA, "meta": OF_CONDITION}]


async def test_all_that_the_partner_would_refuse_is_told_at_the_clients_elements(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """What it would not take of a Condition is no reason to refuse: that is left behind."""
    wrong = {**LADA, "encounter": {"reference": "Encounter/1"}, "recordedDate": "2020"}
    del wrong["code"]
    body = {**BARE, "name": [{"text": "John Doe"}], "contained": [wrong]}

    response = await canned.put(JOHN, json=body, headers=R4)

    def missing(element: str) -> Json:
        name = element.rpartition(".")[2]
        return issue("too-few", "required", f"`{name}` is missing; add it.", element)

    assert (response.status_code, response.json()) == (
        422,
        outcome(
            missing("Patient.contained[0].code"),
            missing("Patient.name[0].family"),
            missing("Patient.name[0].given"),
        ),
    )
    assert partner.calls() == []


async def test_a_second_name_is_refused_before_the_partner_would(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Whose complaint names no place."""
    response = await canned.put(JOHN, json={**BARE, "name": BARE["name"] * 2}, headers=R4)

    text = "`name` may occur only once; remove this one."
    assert (response.status_code, response.json()) == (
        422,
        outcome(issue("too-many", "invalid", text, "Patient.name[1]")),
    )
    assert partner.calls() == []


@pytest.mark.parametrize(
    ("place", "home"),
    [
        ("Bundle.entry[1].resource.name", "Patient.name"),
        ("Bundle.entry[2].resource.context", "Patient.contained[0].encounter"),
    ],
)
async def test_a_place_in_the_message_is_one_in_the_patient(
    canned: httpx.AsyncClient, partner: Canned, place: str, home: str
) -> None:
    """Where the partner names one."""
    complaint = {"severity": "error", "code": "invalid", "diagnostics": "No.", "expression": [place]}
    partner.answer(400, {"resourceType": "OperationOutcome", "issue": [complaint]})

    response = await canned.put(JOHN, json=PATIENT, headers=R4)

    told = refused("invalid", "No.") | {"expression": [home]}
    assert (response.status_code, response.json()) == (400, outcome(told))


@pytest.mark.parametrize(("status", "code"), [(400, "duplicate"), (409, "conflict")])
async def test_an_email_that_is_taken(routes: Routes, status: Any, code: str) -> None:
    """On an update and on a create; the status of a clash stands on no page."""
    taken = {"telecom": [{"system": "email", "value": "taken@example.org"}]}
    app = roche.create_app(duplicate_status_code=status)
    async with serving(routes, simulated(roche=app)) as client:
        updated = await client.put(JOHN, json={**BARE, **taken}, headers=R4)
        created = await client.post("/fhir/roche/Patient", json=new(**taken), headers=R4)

    told = refused(code, "Another patient has this identifier or e-mail address")
    told["details"]["coding"][1]["code"] = "duplicate"
    assert (updated.status_code, updated.json()) == (status, outcome(told))
    assert (created.status_code, created.json()) == (status, outcome(told))


async def test_a_patient_that_is_not_there_is_not_made(client: httpx.AsyncClient) -> None:
    """Nor one of another organisation changed."""
    body = {**BARE, "id": "Other-Organization"}

    response = await client.put("/fhir/roche/Patient/Other-Organization", json=body, headers=R4)

    told = issue(
        "partner-refused",
        "not-found",
        "Roche Diabetes Care does not know this.",
        partner=("roche", "not-found"),
        diagnostics="Patient not found",
    )
    assert (response.status_code, response.json()) == (404, outcome(told))


async def test_the_partner_has_no_versions(client: httpx.AsyncClient) -> None:
    """`If-Match` cannot be kept."""
    response = await client.put(JOHN, json=PATIENT, headers=R4 | {"If-Match": 'W/"1"'})

    text = "The partner tells no version to compare; send the request without If-Match."
    assert (response.status_code, response.json()) == (
        400,
        outcome(issue("version-differs", "not-supported", text, "http.If-Match")),
    )


# --- POST Patient


@pytest.mark.parametrize(("headers", "condition"), [(R4, LADA), (STU3, LADA_IN_STU3)])
async def test_a_new_patient_gets_its_address_from_the_partner(
    client: httpx.AsyncClient, headers: dict[str, str], condition: Json
) -> None:
    """And can be read there."""
    response = await client.post("/fhir/roche/Patient", json=new(contained=[condition]), headers=headers)
    read = await client.get(response.headers["Location"], headers=headers)

    made = {**new(), "id": "Created-Patient-1", "meta": PATIENT_V2}
    assert response.status_code == 201
    assert response.headers["Location"] == f"{HERE}/fhir/roche/Patient/Created-Patient-1"
    assert response.json() == {**made, "contained": [{**condition, "meta": OF_CONDITION}]}
    assert read.json() == made


async def test_the_id_that_a_client_gives_is_not_taken(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#create"""
    response = await client.post("/fhir/roche/Patient", json=new(id="mine"), headers=R4)

    assert (response.status_code, response.json()["id"]) == (201, "Created-Patient-1")


async def test_an_older_partner_answers_a_creation_with_200(routes: Routes) -> None:
    """It is made all the same."""
    app = roche.create_app(created_status_code=200)
    async with serving(routes, simulated(roche=app)) as client:
        response = await client.post("/fhir/roche/Patient", json=new(), headers=R4)

    assert (response.status_code, response.json()["id"]) == (201, "Created-Patient-1")


async def test_a_creation_that_broke_off_is_not_repeated(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The second would be a duplicate of the first."""
    partner.answer(503)

    response = await canned.post("/fhir/roche/Patient", json=new(), headers=R4)

    text = (
        "Roche Diabetes Care answered with status 503. It may have carried out the call. "
        "No read or search here tells; ask Roche Diabetes Care before anything else is sent."
    )
    assert (response.status_code, response.json()) == (503, outcome(issue("fate-unknown", "transient", text)))
    assert len(partner.requests) == 1


@pytest.mark.parametrize(
    "profile", ["https://fhir-bridge.example/fhir/StructureDefinition/roche-patient", f"{PROFILES}/patient-v2"]
)
async def test_at_the_hub_a_profile_tells_whose_patient_it_is(client: httpx.AsyncClient, profile: str) -> None:
    """The bridge's own, or Roche's; the hub speaks R4 without being told."""
    body = new(meta={"profile": [profile]}, contained=[LADA])

    response = await client.post("/fhir/Patient", json=body)

    assert response.status_code == 201
    assert response.headers["Location"] == f"{HERE}/fhir/roche/Patient/Created-Patient-1"
    assert response.json()["contained"] == [{**LADA, "meta": OF_CONDITION}]


# --- messages that make a patient


@pytest.mark.parametrize("url", ["/fhir/roche/Bundle", "/fhir/roche/$process-message", "/fhir/roche"])
async def test_a_message_without_the_patients_id_makes_one(client: httpx.AsyncClient, url: str) -> None:
    """The answer is the message with the new id; what was made can be read."""
    response = await client.post(url, json=message(), headers=STU3)
    read = await client.get(response.headers["Location"])

    made = message(id_="Created-Patient-1")
    assert (response.status_code, response.json()) == (201, made)
    assert response.headers["Location"] == f"{HERE}/fhir/roche/Patient/Created-Patient-1"
    assert read.json() == made["entry"][1]["resource"]


@pytest.mark.parametrize("url", ["/fhir/roche/Bundle", "/fhir/roche/$process-message", "/fhir/roche", "/fhir"])
async def test_so_does_one_in_r4(client: httpx.AsyncClient, url: str) -> None:
    """Also at the hub, where the address is that of the partner's base."""
    body = copy.deepcopy(R4_MESSAGE)
    body["entry"][1]["resource"] = new()

    response = await client.post(url, json=body, headers=R4)

    body["entry"][1]["resource"]["id"] = "Created-Patient-1"
    assert (response.status_code, response.json()) == (201, body)
    assert response.headers["Location"] == f"{HERE}/fhir/roche/Patient/Created-Patient-1"


@pytest.mark.parametrize("url", ["/fhir/roche/Bundle", "/fhir/roche/$process-message", "/fhir/roche"])
async def test_one_with_an_id_is_an_update(client: httpx.AsyncClient, url: str) -> None:
    """200, and no new address."""
    response = await client.post(url, content=REQUEST, headers=STU3)

    assert (response.status_code, response.json()) == (200, json.loads(REQUEST))
    assert "Location" not in response.headers


async def test_a_message_can_make_no_patient_that_is_there(client: httpx.AsyncClient) -> None:
    """`duplicate`."""
    response = await client.post("/fhir/roche/Bundle", json=message(value="12345678Z"), headers=STU3)

    told = refused("duplicate", "Another patient has this identifier or e-mail address")
    assert (response.status_code, response.json()) == (400, outcome(told))


async def test_a_message_that_makes_a_patient_may_be_an_entry_of_a_batch(client: httpx.AsyncClient) -> None:
    """Beside a Patient that goes in one."""
    entries = [
        {"request": {"method": "POST", "url": "Bundle"}, "resource": message()},
        {"request": {"method": "POST", "url": "Patient"}, "resource": new("another")},
    ]

    response = await client.post(
        "/fhir/roche", json={"resourceType": "Bundle", "type": "batch", "entry": entries}, headers=STU3
    )

    answers = [entry["response"] for entry in response.json()["entry"]]
    assert [(each["status"], each["location"].rpartition("/")[0]) for each in answers] == [
        ("201 Created", f"{HERE}/fhir/roche/Patient"),
        ("201 Created", f"{HERE}/fhir/roche/Patient"),
    ]


# --- GET Patient/{id}


@pytest.mark.parametrize("headers", [R4, STU3])
async def test_a_patient_is_read_and_found(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """By its id; a searchset holds it in the version that is asked for."""
    read = await client.get("/fhir/roche/Patient/Only-Mandatory", headers=headers)
    found = await client.get("/fhir/roche/Patient?_id=Only-Mandatory", headers=headers)

    assert read.json() == {
        "resourceType": "Patient",
        "id": "Only-Mandatory",
        "meta": PATIENT_V2,
        "identifier": [{"system": "urn:oid:2.16.724.4.41", "value": "ONLY-MANDATORY"}],
        "name": [{"family": "Mandatory", "given": ["Only"]}],
    }
    assert [entry["resource"] for entry in found.json()["entry"]] == [read.json()]


CREDENTIALS = issue("partner-credentials-refused", "login", "Roche Diabetes Care refused the bridge's own credentials.")
FORBIDDEN = issue("partner-refused", "forbidden", "Roche Diabetes Care does not allow this.")


async def test_bad_credentials_are_the_bridges_fault_on_every_call() -> None:
    """The partner says 401 to a change, and 403 to a read, where its gateway adds why."""
    routes = shipped(SANDBOX | {"ROCHE_CLIENT_SECRET": "wrong"})
    async with serving(routes, simulated()) as client:
        read = await client.get(JOHN, headers=R4)
        updated = await client.put(JOHN, json=PATIENT, headers=R4)
        created = await client.post("/fhir/roche/Patient", json=new(), headers=R4)

    assert [each.status_code for each in (read, updated, created)] == [502, 502, 502]
    assert read.json() == outcome(CREDENTIALS | {"diagnostics": "ClientID enforcement"})
    assert [each.json() for each in (updated, created)] == [outcome(CREDENTIALS)] * 2


async def test_the_words_of_the_gateway_may_be_json_too(canned: httpx.AsyncClient, partner: Canned) -> None:
    """Which of the two it is, no page says."""
    partner.answer(403, {"error": "ClientID enforcement policy"})

    response = await canned.get(JOHN, headers=R4)

    told = CREDENTIALS | {"diagnostics": "ClientID enforcement policy"}
    assert (response.status_code, response.json()) == (502, outcome(told))


async def test_an_unknown_organisation_is_forbidden_on_every_call(client: httpx.AsyncClient) -> None:
    """403 without a body: that is the organisation, and not the bridge's login."""
    headers = R4 | {"org_id": "2.16.724.4.7"}

    read = await client.get(JOHN, headers=headers)
    updated = await client.put(JOHN, json=PATIENT, headers=headers)
    created = await client.post("/fhir/roche/Patient", json=new(), headers=headers)

    assert [each.status_code for each in (read, updated, created)] == [403, 403, 403]
    assert [each.json() for each in (read, updated, created)] == [outcome(FORBIDDEN)] * 3
