"""What of a resource is lost, what of it changes the meaning of what is sent, and what is harmless."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_bridge.mapping.losses import Loss, is_harmless, losses
from fhir_bridge.outcome import Json
from tests.mapping.lab import SEX, concept_map, extension, mapped

OLD = {"system": "urn:oid:1.2", "value": "1", "use": "old"}
KG = {"value": 70, "comparator": ">", "system": "http://unitsofmeasure.org", "code": "kg"}


def changes(path: str) -> Loss:
    return Loss(path, modifies=True)


def lost(resource: Json, used: set[str], silent: set[str] | None = None) -> list[Loss]:
    return losses("4.0", {"resourceType": "Patient", **resource}, used, silent or set())


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"active": False}, [changes("Patient.active")]),
        ({"deceasedDateTime": "2020"}, [changes("Patient.deceased")]),
        ({"implicitRules": "http://x.example"}, [changes("Patient.implicitRules")]),
        ({"link": [{"other": {"display": "x"}, "type": "refer"}]}, [changes("Patient.link[0]")]),
        ({"modifierExtension": [{"url": "http://x.example"}]}, [changes("Patient.modifierExtension[0]")]),
        ({"identifier": [OLD]}, [Loss("Patient.identifier[0]")]),
        ({"_active": {"extension": [{"url": "http://x.example"}]}}, [Loss("Patient.active.extension[0]")]),
        ({"contained": [{"resourceType": "Organization", "active": False}]}, [Loss("Patient.contained[0]")]),
        ({"gender": "male"}, [Loss("Patient.gender")]),
    ],
)
def test_a_modifier_of_the_resource_always_counts(resource: Json, found: list[Loss]) -> None:
    """One within something that is lost whole does not: it says nothing of what is sent."""
    assert lost(resource, set()) == found


@pytest.mark.parametrize(
    ("resource", "used", "found"),
    [
        ({"identifier": [OLD]}, "Patient.identifier[0].value",
         [Loss("Patient.identifier[0].system"), changes("Patient.identifier[0].use")]),
        ({"identifier": [OLD, OLD]}, "Patient.identifier[1]", [Loss("Patient.identifier[0]")]),
        ({"contact": [{"name": {"use": "old", "text": "a"}}]}, "Patient.contact[0].name.text",
         [changes("Patient.contact[0].name.use")]),
        ({"extension": [{"url": "u", "valueQuantity": KG}]}, "Patient.extension[0].value.value",
         [Loss("Patient.extension[0].url"), changes("Patient.extension[0].value.comparator"),
          Loss("Patient.extension[0].value.system"), Loss("Patient.extension[0].value.code")]),
        ({"contained": [{"resourceType": "Organization", "active": False, "name": "x"}]}, "Patient.contained[0].name",
         [changes("Patient.contained[0].active")]),
        ({"link": [{"id": "l", "extension": [{"url": "u"}], "other": {"display": "x"}, "type": "refer"}]},
         "Patient.link[0].other.display",
         [Loss("Patient.link[0].id"), Loss("Patient.link[0].extension[0]"), changes("Patient.link[0].type")]),
        ({"link": [{"other": {"display": "x", "reference": "y"}}]}, "Patient.link[0].other.display",
         [changes("Patient.link[0].other.reference")]),
    ],
)  # fmt: skip
def test_a_modifier_within_an_element_counts_where_that_is_sent_in_part(
    resource: Json, used: str, found: list[Loss]
) -> None:
    """So does the rest of a modifier that is sent in part, but for its id and extensions."""
    assert lost(resource, {used}) == found


@pytest.mark.parametrize(
    ("resource", "used", "silent", "found"),
    [
        ({"identifier": [OLD]}, {"Patient.identifier[0]"}, set(), []),
        ({"identifier": [OLD]}, set(), {"Patient.identifier[0]"}, []),
        ({"identifier": [OLD]}, set(), {"Patient.identifier[0].use"}, [Loss("Patient.identifier[0]")]),
        ({"telecom": [{"use": "home"}]}, set(), {"Patient.telecom[0].use"}, []),
        ({"identifier": [OLD]}, {"Patient.identifier[0].value"}, {"Patient.identifier[0].use"},
         [Loss("Patient.identifier[0].system")]),
        ({"identifier": [OLD]}, {"Patient.identifier[0].value"}, {"Patient.identifier[0]"},
         [changes("Patient.identifier[0].use")]),
        ({"meta": {"tag": [{"code": "a"}], "source": "http://x.example"}}, set(), {"Patient.meta.tag[0]"},
         [Loss("Patient.meta")]),
        ({"active": True}, set(), {"Patient.active"}, []),
    ],
)  # fmt: skip
def test_what_is_silent_is_no_loss(resource: Json, used: set[str], silent: set[str], found: list[Loss]) -> None:
    """What holds silent elements alone is none; and what is silent as a whole still tells what changes its meaning."""
    assert lost(resource, used, silent) == found


@pytest.mark.parametrize(
    ("value", "values", "is_one"),
    [
        (True, {"true"}, True),
        (False, {"true"}, False),
        ("old", {"usual", "official"}, False),
        ("usual", {"usual", "official"}, True),
        ({"coding": [{"system": "s", "code": "a"}, {"system": "s", "code": "b"}]}, {"s#b"}, True),
        ({"coding": [{"code": "b"}]}, {"s#b"}, False),
        ({"text": "b"}, {"b"}, False),
        (["a"], None, True),
    ],
)
def test_a_harmless_value_is_written_as_fhir_has_it(value: Json, values: Any, is_one: bool) -> None:
    assert is_harmless(value, None if values is None else frozenset(values)) is is_one


# --- in a mapping file

ROWS = """\
name[usual].family: {at: surname}
name[usual].given[0]: {at: first}
name[usual].given[1]: {at: second}
gender: {at: sex, codes: ConceptMap/sex}
telecom: {at: numbers, each: {value: {at: number}, use: {at: kind, codes: ConceptMap/use}}}
"""


def test_silent_goes_through_lists_and_takes_several_values() -> None:
    map_ = mapped(
        "name[usual].family: {at: surname}\naddress: {at: addresses, each: {city: {at: town}}}",
        slices="name[usual]: {use: usual, otherwise: first without use}\n",
        after="silent: {address.use: [home, work], 'name[usual].prefix': any, maritalStatus: 'sid/m#S'}\n",
    )
    resource = {
        "resourceType": "Patient",
        "name": [{"family": "Lovelace", "prefix": ["Countess", "Lady"]}],
        "address": [{"city": "Oslo", "use": "home"}, {"city": "Bergen", "use": "old"}, {"use": "work"}],
        "maritalStatus": {"coding": [{"system": "https://fhir-bridge.example/fhir/sid/m", "code": "S"}]},
    }

    assert map_.losses(resource) == [changes("Patient.address[1].use")]


def test_an_absent_value_is_no_loss_where_the_bridge_itself_writes_it() -> None:
    """At this place, for this reason, and nothing beside it."""
    map_ = mapped(
        ROWS,
        SEX,
        concept_map("use", ("home", "H")),
        slices="name[usual]: {use: usual, otherwise: first without use}\n",
    )
    unsupported, unknown = extension("unsupported"), extension("unknown")
    read, receiving = map_.to_fhir(
        {"surname": "Berg", "second": "Kari", "sex": "X", "numbers": [{"number": "1", "kind": "Z"}]}
    )
    name = {"use": "usual", "family": "Berg", "given": ["Ada"]}

    assert read["name"][0]["_given"] == [unknown, None]
    assert (read["_gender"], read["telecom"][0]["_use"], len(receiving.unknown_codes)) == (unsupported, unsupported, 2)
    assert map_.losses(read) == []
    for odd, path in (
        ({"_gender": unknown}, "Patient.gender.extension[0]"),
        ({"gender": "male", "_gender": unsupported}, "Patient.gender.extension[0]"),
        ({"_gender": {"extension": [*unsupported["extension"], {"url": "u"}]}}, "Patient.gender.extension[0]"),
        ({"_birthDate": unsupported}, "Patient.birthDate.extension[0]"),
        (
            {"name": [{**name, "given": ["Ada", None], "_given": [None, unknown]}]},
            "Patient.name[0].given[1].extension[0]",
        ),
        ({"name": [{**name, "_family": unknown}]}, "Patient.name[0].family.extension[0]"),
    ):
        assert Loss(path) in map_.losses({"resourceType": "Patient", **odd}), path


def test_an_id_is_no_loss_for_the_address_says_it() -> None:
    map_ = mapped("birthDate: {at: born}")

    assert map_.losses({"resourceType": "Patient", "id": "42", "birthDate": "1815-12-10"}) == []
    assert map_.losses({"resourceType": "Patient", "id": "42", "contact": [{"id": "a"}]}) == [
        Loss("Patient.contact[0]")
    ]
