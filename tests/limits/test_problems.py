"""The first problems are looked for and told; then nothing more is looked at, whatever there is."""

from __future__ import annotations

from difflib import get_close_matches

import httpx
import pytest

from fhir_bridge.fhir import json, xml
from fhir_bridge.fhir.elements import elements, resource_types
from fhir_bridge.fhir.problems import unknown_element
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.limits import Limits
from fhir_bridge.mapping.compile import load_routes
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import FhirError, Issue, Json
from tests.limits.looked_at import Looks
from tests.serving import SANDBOX, TOP, serving, simulated

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
FIVE = Limits(max_problems=5)
MORE = "There are more problems; correct these first."


def patient(**elements: Json) -> Json:
    return {"resourceType": "Patient", **elements}


def places(issues: list[Issue]) -> list[str | None]:
    assert (issues[-1].error, issues[-1].text) == ("too-many-problems", MORE)
    return [issue.expression for issue in issues[:-1]]


@pytest.mark.parametrize(
    ("element", "value"),
    [("name", {"use": "mine"}), ("contact", {}), ("extension", {"url": "x"}), ("link", {"other": {"referense": "x"}})],
)
def test_of_many_items_with_a_problem_the_first_are_looked_at(element: str, value: dict[str, Json]) -> None:
    looks = Looks()
    check = structure_checker("4.0", rules=True, max_problems=5)

    issues = check(patient(**{element: [looks.object(value) for _ in range(1_000)]}))

    assert len(places(issues)) == 5
    assert len(looks.objects) <= 6


def test_elements_after_the_last_problem_are_not_looked_at() -> None:
    looks = Looks()
    check = structure_checker("4.0", max_problems=5)
    names = {f"unknown{n}": 1 for n in range(6)}

    issues = check(patient(**names, contact=[looks.object({"name": looks.object({"use": "x"})})]))

    assert places(issues) == [f"Patient.unknown{n}" for n in range(5)]
    assert looks.objects == set()


def test_values_and_what_stands_beside_them_are_looked_at_up_to_the_last_problem() -> None:
    check = structure_checker("4.0", max_problems=5)

    assert places(check(patient(name=[{"given": [1] * 1_000}]))) == [f"Patient.name[0].given[{n}]" for n in range(5)]
    beside = check(patient(name=[{"given": ["a"] * 1_000, "_given": [{}] * 1_000}]))
    assert places(beside) == [f"Patient.name[0].given[{n}]" for n in range(5)]


def test_references_that_lead_to_what_is_contained_are_no_problems_that_end_the_looking() -> None:
    contained = [{"resourceType": "Practitioner", "id": "p"}]
    check = structure_checker("4.0", rules=True, max_problems=5)
    sound = patient(contained=contained, generalPractitioner=[{"reference": "#p"}] * 1_000)

    assert check(sound) == []
    assert [issue.expression for issue in check({**sound, "unknown": 1})] == ["Patient.unknown"]
    lost = check({**sound, "generalPractitioner": [{"reference": "#q"}] * 1_000})
    assert places(lost) == [f"Patient.generalPractitioner[{n}].reference" for n in range(5)]


@pytest.mark.parametrize("kind", ["Basic", "Unknown"])
def test_of_many_contained_resources_the_first_are_told(kind: str) -> None:
    check = structure_checker("4.0", rules=True, max_problems=5)

    issues = check(patient(contained=[{"resourceType": kind, "id": f"b{n}"} for n in range(1_000)]))

    assert len(places(issues)) == 5


def test_the_ids_of_contained_resources_are_compared_no_more_often_than_there_are_some() -> None:
    looks = Looks()
    contained = [{"resourceType": "Basic", "id": looks.text(f"b{n}"), "code": {"text": "x"}} for n in range(2_000)]

    structure_checker("4.0", rules=True)(patient(contained=contained))

    assert looks.compared <= 4 * len(contained)


def test_xml_is_read_up_to_the_last_problem() -> None:
    body = '<Patient xmlns="http://hl7.org/fhir">' + "<nam/>" * 1_000 + "</Patient>"

    with pytest.raises(FhirError) as raised:
        xml.loads(body.encode(), "4.0", FIVE)

    assert places(list(raised.value.issues)) == ["Patient.nam"] * 5


def test_of_repeated_keys_the_first_are_told() -> None:
    with pytest.raises(FhirError) as raised:
        json.loads(b"[" + b'{"a": 1, "a": 2},' * 1_000 + b"1]", FIVE)

    assert places(list(raised.value.issues)) == [f"[{n}]" for n in range(5)]


@pytest.mark.parametrize("known", [elements("4.0", "Patient"), resource_types("4.0")])
def test_the_nearest_name_is_the_one_that_difflib_finds(known: list[str]) -> None:
    names = [
        variant for name in known for variant in (name[1:], name[:-1], name + "s", name[::-1], name[:3], "x" + name)
    ]
    nearest = {
        name: get_close_matches(name.lower(), [each.lower() for each in known], n=1, cutoff=0.75) for name in names
    }

    texts = {name: unknown_element("T", name, known).issue("T").text for name in names}

    assert {name: "did you mean" in text for name, text in texts.items()} == {
        name: bool(found) for name, found in nearest.items()
    }
    assert all(f"`{found[0]}`?" in texts[name].lower() for name, found in nearest.items() if found)


@pytest.mark.anyio
async def test_a_thousand_problems_of_a_request_are_told(client: httpx.AsyncClient) -> None:
    body = patient(id=ID, name=[{"familly": "A"}] * 30_000)

    answer = await client.put(f"/fhir/ehealth/Patient/{ID}", json=body)

    issues = answer.json()["issue"]
    assert (answer.status_code, len(issues)) == (400, 1_001)
    assert issues[999]["expression"] == ["Patient.name[999].familly"]
    assert issues[1_000]["details"]["text"] == MORE


@pytest.mark.anyio
async def test_the_number_of_problems_is_set_for_a_process() -> None:
    body = patient(id=ID, name=[{"familly": "A"}] * 20)
    changed = [{"name": "operation", "part": [{"name": "path", "valueString": "Patient"}]}] * 20

    async with serving(few_problems(), simulated(), limits=FIVE) as client:
        update = await client.put(f"/fhir/ehealth/Patient/{ID}", json=body)
        validated = await client.post("/fhir/ehealth/Patient/$validate", json=body)
        patch = await client.patch(
            f"/fhir/ehealth/Patient/{ID}", json={"resourceType": "Parameters", "parameter": changed}
        )
        entry = {"request": {"method": "GET", "url": "Patient/1", "wrong": 1}}
        batch = await client.post(
            "/fhir/ehealth", json={"resourceType": "Bundle", "type": "batch", "entry": [entry] * 20}
        )

    for answer in (update, validated, patch, batch):
        issues = answer.json()["issue"]
        assert (len(issues), issues[5]["details"]["text"]) == (6, MORE)
    assert [answer.status_code for answer in (update, validated, patch, batch)] == [400, 200, 400, 400]


def few_problems() -> Routes:
    return load_routes(TOP / "mappings", TOP / "profiles", SANDBOX, FIVE)
