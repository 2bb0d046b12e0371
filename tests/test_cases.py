"""tests/cases: pairs of a partner's record and a FHIR resource, each in both directions, for every map that ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fhir_bridge.fhir.interaction import Address, Interaction
from fhir_bridge.fhir.json import dumps
from fhir_bridge.mapping.calls import Call
from fhir_bridge.mapping.lists import ListReceiver
from fhir_bridge.mapping.maps import Map
from fhir_bridge.mapping.partner_fields import PartnerField
from fhir_bridge.mapping.receivers import MapReceiver
from fhir_bridge.mapping.routes import Routes
from fhir_bridge.mapping.rows import PathRow
from fhir_bridge.mapping.senders import MapSender
from fhir_bridge.outcome import Json
from tests.serving import SANDBOX, TOP, shipped

FOLDER = Path(__file__).parent / "cases"
PASSED = {
    ("roche", "message"): ("update", "Bundle"),
    ("roche", "patient"): ("update", "Patient"),
    ("roche", "practitioner"): ("update", "Practitioner"),
}
"""The maps without rows, by partner: what is passed through, converted, and the interaction that does it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One pair; `only` names the direction of a pair that holds in one of them.

    `creates`: the map is that of a create, which may write what an update may not. `path` are variables of the
    address, `left_behind` FHIRPaths, `unknown` pairs of a field and a code, `outcome` the text of the parameter that
    is added.
    """

    partner: str
    map: str
    creates: bool
    name: str
    record: Json
    resource: Json
    sent: Json
    only: str | None
    path: Mapping[str, str]
    left_behind: list[str]
    unknown: list[tuple[str, str]]
    outcome: str | None


def _cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*/*.yaml")):
        for document in YAML(typ="safe", pure=True).load_all(file):
            always, only = document["always"], document.get("only")
            for case in document["cases"]:
                yield Case(
                    partner=file.parent.name,
                    map=document["map"],
                    creates=document.get("creates", False),
                    name=case["case"],
                    record={**always["partner"], **case["partner"]},
                    resource={k: v for k, v in {**always["fhir"], **case["fhir"]}.items() if v is not None},
                    sent=case["partner"],
                    only=case.get("only", only),
                    path=case.get("path", {}),
                    left_behind=case.get("left_behind", []),
                    unknown=[(field, code) for field, code in case.get("unknown", [])],
                    outcome=case.get("outcome"),
                )


CASES = list(_cases())


def _id(case: Case) -> str:
    return f"{case.partner} {case.map}: {case.name}"


def of(direction: str, *, passed: bool) -> list[object]:
    """Return the cases of a direction, of maps with rows or of what is passed through."""
    wanted = [
        case for case in CASES if case.only in (None, direction) and ((case.partner, case.map) in PASSED) is passed
    ]
    return [pytest.param(case, id=_id(case)) for case in wanted]


def calls(routes: Routes, partner: str) -> list[Call]:
    return [step.call for route in routes.partners[partner].routes for step in route.steps]


def maps(routes: Routes, partner: str) -> dict[str, Map]:
    """Return the compiled maps of a partner by name."""
    senders = [call.sender.map for call in calls(routes, partner) if isinstance(call.sender, MapSender)]
    readers = MapReceiver | ListReceiver
    receivers = [call.receiver.map for call in calls(routes, partner) if isinstance(call.receiver, readers)]
    return {each.name: each for each in (*senders, *receivers)}


def map_of(routes: Routes, case: Case) -> Map:
    """Return the map of a case."""
    if not case.creates:
        return maps(routes, case.partner)[case.map]
    senders = [route.call.sender for route in routes.partners[case.partner].routes if route.code == "create"]
    return {each.map.name: each.map for each in senders if isinstance(each, MapSender)}[case.map]


def without_outcome(resource: Json) -> tuple[Json, str | None]:
    """Return Parameters without the one that is added, and the text of that one's only issue."""
    *rest, last = resource.get("parameter", [None])
    if not isinstance(last, dict) or last.get("name") != "outcome":
        return resource, None
    (issue,) = last["resource"]["issue"]
    return {**resource, "parameter": rest}, issue["details"]["text"]


@pytest.mark.parametrize("case", of("to_fhir", passed=False))
def test_a_record_is_read_as_its_resource(routes: Routes, case: Case) -> None:
    """With the unknown codes that the case names, and no others."""
    found, receiving = map_of(routes, case).to_fhir(case.record)

    resource, outcome = without_outcome(found)
    assert resource == case.resource
    assert receiving.unknown_codes == case.unknown
    assert outcome == case.outcome


@pytest.mark.parametrize("case", of("to_partner", passed=False))
def test_a_resource_is_sent_as_its_record(routes: Routes, case: Case) -> None:
    """With what the case says is left behind, and nothing else to say."""
    compiled = map_of(routes, case)

    sending = compiled.to_partner(case.resource)

    has_path = any(isinstance(row, PathRow) for row in compiled.rows)
    default = {"project": SANDBOX["HEALTHEX_PROJECT_ID"]} if has_path else {}
    assert (sending.body, sending.path, sending.issues) == (case.sent, {**default, **case.path}, [])
    assert [loss.path for loss in compiled.losses(case.resource)] == case.left_behind


def passing(routes: Routes, case: Case) -> tuple[Call, Interaction]:
    """Return the call that passes a case's resource through, and the interaction of a client that speaks R4."""
    code, resource_type = PASSED[case.partner, case.map]
    (call,) = [
        route.call
        for route in routes.partners[case.partner].routes
        if (route.code, route.resource_type) == (code, resource_type)
    ]
    address = Address(case.partner, resource_type, case.resource.get("id", "p"))
    at = datetime(2020, 3, 27, 12, 21, 39, 471000, UTC)
    return call, Interaction("update", address, "4.0", uuid="88a37162-3d7c-41c3-89ab-6e25fd68ba00", now=at)


@pytest.mark.parametrize("case", of("to_fhir", passed=True))
def test_an_stu3_answer_is_read_as_r4(routes: Routes, case: Case) -> None:
    """Where the client speaks R4."""
    call, interaction = passing(routes, case)

    assert call.receiver.receive(dumps(case.record), interaction).resource == case.resource


@pytest.mark.parametrize("case", of("to_partner", passed=True))
def test_an_r4_resource_is_sent_as_stu3(routes: Routes, case: Case) -> None:
    """With nothing lost that would have to be said."""
    call, interaction = passing(routes, case)
    assert call.sender is not None

    sending = call.sender.send(case.resource, interaction)

    assert (sending.body, sending.issues) == (case.record, [])


SHIPPED = shipped(SANDBOX)
MAPS = [(partner, name) for partner in SHIPPED.partners for name in maps(SHIPPED, partner)]


def test_every_mapping_file_has_its_cases() -> None:
    """A partner, its map, and the file that is named for the resource type."""
    assert {file.stem for file in (TOP / "mappings").glob("*.yaml")} == {case.partner for case in CASES}
    assert {(case.partner, case.map) for case in CASES} == {*MAPS, *PASSED}
    assert sorted(str(file.relative_to(FOLDER)) for file in FOLDER.glob("*/*")) == [
        "ehealth/Parameters.yaml",
        "ehealth/Patient.yaml",
        "healthex/Consent.yaml",
        "healthex/Parameters.yaml",
        "healthex/Patient.yaml",
        "healthex/ResearchStudy.yaml",
        "roche/Bundle.yaml",
        "roche/Patient.yaml",
        "roche/Practitioner.yaml",
        "wmda/Parameters.yaml",
        "wmda/Patient.yaml",
    ]


@pytest.mark.parametrize(("partner", "name"), MAPS)
def test_every_row_of_a_map_is_in_a_case(partner: str, name: str) -> None:
    """Each field of the partner has a value somewhere."""
    pairs = maps(SHIPPED, partner)[name].pairs({})
    fields = {pair.field for pair in pairs if not str(pair.field[0]).startswith("{")}
    records = [case.record for case in CASES if (case.partner, case.map) == (partner, name)]

    assert [field for field in sorted(fields) if all(_absent(record, field) for record in records)] == []


def _absent(record: Json, field: tuple[str | int, ...]) -> bool:
    return PartnerField(tuple(str(key) for key in field)).get(record) is None
