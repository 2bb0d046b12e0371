"""`PUT /fhir/ehealth/Patient/{id}`: the simulated partner changes what the resource has, and nothing else."""

import re

import httpx
import pytest

from fhir_bridge.outcome import Json
from tests.outcomes import issue, outcome
from tests.server.test_read import patient

pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
URL = f"/fhir/ehealth/Patient/{ID}"
EMERGENCY = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "C"}]}]
NOTHING = issue(
    "nothing-to-send",
    "business-rule",
    "Nothing in this Patient can be sent to eHealth Ukraine; give it at least one element that it takes.",
    "Patient",
)
DONE = issue("done", "informational", "The partner carried out the call.", severity="information")


def ivanov(**elements: Json) -> Json:
    """Return the preperson of the partner's sample with just these elements."""
    return {"resourceType": "Patient", "id": ID, **elements}


def left_behind(expression: str) -> Json:
    text = "eHealth Ukraine cannot hold this element; it is left behind."
    return issue("left-behind", "not-supported", text, expression, severity="warning")


def refused(expression: str) -> Json:
    text = "eHealth Ukraine cannot hold this element; leave it out, or send without `handling=strict`."
    return issue("left-behind", "not-supported", text, expression)


async def test_every_element_that_the_partner_takes_is_changed(client: httpx.AsyncClient) -> None:
    """The answer is the partner's record, mapped back; the note, which cannot be sent, is still there."""
    body = ivanov(
        identifier=[{"system": "https://fhir-bridge.example/fhir/sid/ehealth-external-id", "value": "#1234-FDS-ab"}],
        name=[{"use": "official", "family": "Петренко", "given": ["Павло", "Степанович"]}],
        gender="male",
        birthDate="1981-02-03",
        contact=[
            {
                "relationship": EMERGENCY,
                "name": {"family": "Петренко", "given": ["Олена"]},
                "telecom": [
                    {"system": "phone", "value": "+380503410871", "use": "home"},
                    {"system": "phone", "value": "+380503410872", "use": "mobile"},
                ],
            }
        ],
    )

    response = await client.put(URL, json=body)

    answered = response.json()
    assert response.status_code == 200
    meta = answered.pop("meta")
    assert meta["lastUpdated"] > "2017-04-20T19:14:13Z"
    assert re.fullmatch(re.escape(meta["lastUpdated"].replace(":", "")) + "-[0-9a-f]{12}", meta["versionId"])
    assert answered == {
        **body,
        "active": True,
        "extension": [
            {
                "url": "https://fhir-bridge.example/fhir/StructureDefinition/preperson-note",
                "valueString": "Registered in SmartMed clinic at 01.01.2019 16:40. Male, 40 years old approximately, "
                "tatoo with sport motorcycle on the right forearm",
            }
        ],
    }


async def test_what_is_absent_stays_as_it_is(client: httpx.AsyncClient) -> None:
    """The partner has no way to clear a field, so a resource without a name clears none."""
    before = (await client.get(URL)).json()

    response = await client.put(URL, json=ivanov(birthDate="1981-02-03"))

    answered = response.json()
    assert response.status_code == 200
    assert {**answered, "meta": None} == {**before, "meta": None, "birthDate": "1981-02-03"}


async def test_a_death_with_a_time_is_sent_as_the_day_that_was_written(client: httpx.AsyncClient) -> None:
    """Not as the day that it was in UTC; and with a date of death the partner makes the record inactive."""
    response = await client.put(URL, json=ivanov(deceasedDateTime="2018-11-11T01:30:00+02:00"))

    assert response.status_code == 200
    assert response.json()["deceasedDateTime"] == "2018-11-11"
    assert response.json()["active"] is False


async def test_what_only_repeats_the_silent_elements_is_no_loss(client: httpx.AsyncClient) -> None:
    """`deceasedBoolean: false`, `active: true`, `text`, `meta` and `language` carry nothing for this partner."""
    body = ivanov(
        meta={"versionId": "7"},
        language="uk",
        text={"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">-</div>'},
        active=True,
        deceasedBoolean=False,
        gender="male",
    )

    response = await client.put(URL, json=body, headers={"Prefer": "return=OperationOutcome; handling=strict"})

    assert response.status_code == 200
    assert response.json() == outcome(DONE)


async def test_each_element_that_is_left_behind_is_a_warning(client: httpx.AsyncClient) -> None:
    """A second name, another contact, an e-mail, an extension of a primitive, a note: each with its own place."""
    body = ivanov(
        extension=[
            {"url": "https://fhir-bridge.example/fhir/StructureDefinition/preperson-note", "valueString": "Tall."}
        ],
        identifier=[{"system": "urn:oid:1.2.3", "value": "7"}],
        name=[
            {"use": "nickname", "text": "Петрик"},
            {"family": "Іванов", "given": ["Петро", "Миколайович", "Юрій"], "prefix": ["пан"]},
        ],
        birthDate="1980-01-01",
        _birthDate={"extension": [{"url": "http://example.org/time", "valueTime": "10:00:00"}]},
        maritalStatus={"text": "одружений"},
        contact=[
            {"relationship": [{"text": "сусід"}], "name": {"family": "Сусід"}},
            {
                "relationship": EMERGENCY,
                "gender": "female",
                "telecom": [
                    {"system": "email", "value": "olena@example.org"},
                    {"system": "phone", "value": "+380503410870", "use": "mobile", "rank": 1},
                ],
            },
        ],
    )

    response = await client.put(URL, json=body, headers={"Prefer": "return=OperationOutcome"})

    assert response.status_code == 200
    assert response.json() == outcome(
        DONE,
        left_behind("Patient.extension[0]"),
        left_behind("Patient.identifier[0]"),
        left_behind("Patient.name[0]"),
        left_behind("Patient.name[1].given[2]"),
        left_behind("Patient.name[1].prefix[0]"),
        left_behind("Patient.birthDate.extension[0]"),
        left_behind("Patient.maritalStatus"),
        left_behind("Patient.contact[0]"),
        left_behind("Patient.contact[1].gender"),
        left_behind("Patient.contact[1].telecom[0]"),
        left_behind("Patient.contact[1].telecom[1].rank"),
    )


async def test_a_strict_client_is_refused_instead(client: httpx.AsyncClient) -> None:
    """One issue for each element; and nothing was changed."""
    body = ivanov(gender="female", multipleBirthInteger=1, photo=[{"title": "passport"}])

    response = await client.put(URL, json=body, headers={"Prefer": "handling=strict"})

    assert response.status_code == 422
    assert response.json() == outcome(refused("Patient.multipleBirth"), refused("Patient.photo[0]"))
    assert (await client.get(URL)).json()["gender"] == "male"


async def test_without_a_preference_a_header_says_what_is_left_behind(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#return: an OperationOutcome comes only where it was asked for."""
    response = await client.put(URL, json=ivanov(gender="male", photo=[{"title": "passport"}]))

    assert response.status_code == 200
    assert response.json()["resourceType"] == "Patient"
    assert response.headers["x-unsupported-elements"] == "Patient.photo[0]"


async def test_a_gender_that_the_partner_has_no_code_for(client: httpx.AsyncClient) -> None:
    """`other` is FHIR, and nothing to this partner."""
    response = await client.put(URL, json=ivanov(gender="other"))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "not-in-value-set",
            "code-invalid",
            "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
            "Patient.gender",
        )
    )


@pytest.mark.parametrize(
    ("elements", "name", "expression"),
    [
        ({"birthDate": "1980"}, "birthDate", "Patient.birthDate"),
        ({"birthDate": "1980-01"}, "birthDate", "Patient.birthDate"),
        ({"deceasedDateTime": "2018"}, "deceased", "Patient.deceased"),
        ({"deceasedDateTime": "2018-11"}, "deceased", "Patient.deceased"),
    ],
)
async def test_a_date_without_its_day_cannot_be_sent(
    client: httpx.AsyncClient, elements: Json, name: str, expression: str
) -> None:
    """Nobody may invent the day."""
    response = await client.put(URL, json=ivanov(**elements))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "cannot-be-sent", "value", f"`{name}` cannot be sent: a full date is needed here: YYYY-MM-DD.", expression
        )
    )


async def test_a_death_without_a_date_cannot_be_sent(client: httpx.AsyncClient) -> None:
    """The partner takes a date and nothing else."""
    response = await client.put(URL, json=ivanov(gender="male", deceasedBoolean=True))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "rule-broken",
            "invariant",
            "That a patient has died can be sent with a date only: give the date in deceasedDateTime.",
            "Patient.deceased",
        )
    )


async def test_a_death_before_the_birth_is_refused_before_any_call(client: httpx.AsyncClient) -> None:
    """A rule of the profile: what can be known is not left to the partner."""
    response = await client.put(URL, json=ivanov(birthDate="1990-01-01", deceasedDateTime="1989-12-31"))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "rule-broken",
            "invariant",
            "The date of death must not be before the date of birth: correct one of them.",
            "Patient.deceased",
        )
    )


async def test_a_resource_with_nothing_to_send_is_refused(client: httpx.AsyncClient) -> None:
    """An empty change would be carried out, and mean nothing."""
    response = await client.put(URL, json=ivanov(active=True))

    assert response.status_code == 422
    assert response.json() == outcome(NOTHING)


async def test_an_unknown_modifier_extension_is_always_refused(client: httpx.AsyncClient) -> None:
    """At any depth: it may mean that the patient is *not* who the rest says."""
    modifier = [{"url": "http://example.org/not", "valueBoolean": True}]
    body = ivanov(gender="male", modifierExtension=modifier, contact=[{"relationship": EMERGENCY}])
    body["contact"][0] |= {"name": {"family": "Іванов"}, "modifierExtension": modifier}

    response = await client.put(URL, json=body)

    text = "This modifierExtension is not known here, and what it modifies means something else without it."
    assert response.status_code == 422
    assert response.json() == outcome(
        issue("unknown-modifier", "extension", text, "Patient.modifierExtension[0]"),
        issue("unknown-modifier", "extension", text, "Patient.contact[0].modifierExtension[0]"),
    )


async def test_an_id_that_differs_is_named(client: httpx.AsyncClient) -> None:
    """https://hl7.org/fhir/R4/http.html#update"""
    response = await client.put(URL, json={**ivanov(gender="male"), "id": "somebody-else"})

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "id-differs",
            "invalid",
            "The id in the body must be the id in the address; make them the same.",
            "Patient.id",
        )
    )


async def test_all_problems_are_reported_together(client: httpx.AsyncClient) -> None:
    """The id, a code, a rule, a date: one answer, each problem with its place."""
    body = {**ivanov(gender="unknown", birthDate="1980", deceasedBoolean=True), "id": "somebody-else"}

    response = await client.put(URL, json=body)

    assert response.status_code == 400
    assert response.json() == outcome(
        issue(
            "id-differs",
            "invalid",
            "The id in the body must be the id in the address; make them the same.",
            "Patient.id",
        ),
        issue(
            "not-in-value-set",
            "code-invalid",
            "`gender` is not one of the codes that are allowed here; use `male` or `female`.",
            "Patient.gender",
        ),
        issue(
            "rule-broken",
            "invariant",
            "That a patient has died can be sent with a date only: give the date in deceasedDateTime.",
            "Patient.deceased",
        ),
        issue(
            "cannot-be-sent",
            "value",
            "`birthDate` cannot be sent: a full date is needed here: YYYY-MM-DD.",
            "Patient.birthDate",
        ),
    )


async def test_what_the_partner_refuses_is_taken_back_to_the_element_that_was_sent(client: httpx.AsyncClient) -> None:
    """Its `$.emergency_contact.phones.[0].number` is the second telecom of the second contact here."""
    body = ivanov(
        birthDate="2190-01-01",
        contact=[
            {"relationship": [{"text": "сусід"}], "name": {"family": "Сусід"}},
            {
                "relationship": EMERGENCY,
                "telecom": [
                    {"system": "email", "value": "olena@example.org"},
                    {"system": "phone", "value": "12345", "use": "mobile"},
                    {"system": "phone", "value": "+380503410870"},
                ],
            },
        ],
    )

    response = await client.put(URL, json=body)

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "value",
            "eHealth Ukraine refused its field `emergency_contact.phones[0].number`.",
            "Patient.contact[1].telecom[1].value",
            partner=("ehealth", "format"),
            diagnostics=r'string does not match pattern "^\+[0-9]{11,12}$"',
        ),
        issue(
            "partner-refused",
            "required",
            "eHealth Ukraine refused its field `emergency_contact.phones[1].type`.",
            "Patient.contact[1].telecom[2].use",
            partner=("ehealth", "required"),
            diagnostics="required property type was not present",
        ),
        issue(
            "partner-refused",
            "business-rule",
            "eHealth Ukraine refused its field `birth_date`.",
            "Patient.birthDate",
            partner=("ehealth", "invalid"),
            diagnostics="Birth date can't be in the future",
        ),
    )


async def test_a_death_before_the_stored_birth_is_placed_at_the_death(client: httpx.AsyncClient) -> None:
    """Only the partner knows the birth date here, so it is the partner that objects."""
    response = await client.put(URL, json=ivanov(deceasedDateTime="1979-12-31"))

    assert response.status_code == 422
    assert response.json() == outcome(
        issue(
            "partner-refused",
            "business-rule",
            "eHealth Ukraine refused its field `death_date`.",
            "Patient.deceased",
            partner=("ehealth", "invalid"),
            diagnostics="Death date should equal or greater than birth_date",
        )
    )


async def test_after_a_death_nothing_can_be_changed(client: httpx.AsyncClient) -> None:
    """The partner's rule, in its own words."""
    await client.put(URL, json=ivanov(deceasedDateTime="2018-11-11"))

    response = await client.put(URL, json=ivanov(gender="male"))

    assert response.status_code == 422
    assert response.json() == NOT_ACTIVE


NOT_ACTIVE = outcome(
    issue(
        "partner-refused",
        "business-rule",
        "eHealth Ukraine refused the request.",
        partner=("ehealth", "validation_failed"),
        diagnostics="Preperson is not active",
    )
)


@pytest.mark.parametrize("number", [1, 7])
async def test_an_inactive_record_cannot_be_changed(client: httpx.AsyncClient, number: int) -> None:
    """Whichever way its status is spelled."""
    body = {"resourceType": "Patient", "id": patient(number)[-36:], "gender": "male"}

    response = await client.put(patient(number), json=body)

    assert response.status_code == 422
    assert response.json() == NOT_ACTIVE
