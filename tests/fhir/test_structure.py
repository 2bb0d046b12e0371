"""A resource is checked against FHIR's structure: every problem has its FHIRPath, and says what to do."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.elements import Version, resource_types
from fhir_bridge.fhir.structure import structure_checker
from fhir_bridge.outcome import ErrorCode, Issue, IssueCode, Json

check_r4 = structure_checker("4.0")
check_stu3 = structure_checker("3.0")

PATIENT = {
    "resourceType": "Patient",
    "id": "pat-1",
    "meta": {"versionId": "1", "lastUpdated": "2024-02-29T09:30:00.123+02:00", "profile": ["http://example.org/p|1"]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">P</div>'},
    "contained": [{"resourceType": "Organization", "id": "org", "name": "Clinic"}],
    "extension": [{"url": "http://example.org/height", "valueDecimal": Decimal("1.80")}],
    "identifier": [{"system": "urn:oid:1.2.3", "value": "42", "_value": {"id": "v"}}],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "Шевченко",
            "given": [None, "Миколайович"],
            "_given": [{"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}, None],
        }
    ],
    "gender": "female",
    "_birthDate": {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]},
    "deceasedDateTime": "2024",
    "multipleBirthInteger": 2,
    "contact": [{"relationship": [{"text": "mother"}], "period": {"start": "2020-01", "end": "2021-12-31"}}],
    "managingOrganization": {"reference": "#org"},
}


def patient(**members: Json) -> Json:
    return {"resourceType": "Patient", **members}


def issue(error: ErrorCode, code: IssueCode, expression: str | None, text: str) -> Issue:
    return Issue(error, code, text, expression)


def structure(error: ErrorCode, expression: str | None, text: str) -> Issue:
    return issue(error, "structure", expression, text)


def bad_format(expression: str, text: str) -> Issue:
    return issue("invalid-format", "value", expression, text)


def required(expression: str | None, text: str) -> Issue:
    return issue("element-missing", "required", expression, text)


def test_a_resource_that_is_right_has_no_problems_and_is_not_changed() -> None:
    before = deepcopy(PATIENT)

    assert check_r4(PATIENT) == []
    assert before == PATIENT


def test_all_problems_are_found_at_once_in_the_order_of_the_document() -> None:
    found = check_r4(
        {
            "resourceType": "Patient",
            "birthdate": "1980-01-01",
            "gender": "robot",
            "name": [{"given": ["A"]}, {"given": [7]}],
            "deceasedBoolean": False,
            "deceasedDateTime": "2024",
            "communication": [{"preferred": True}],
        }
    )

    assert found == [
        structure(
            "unknown-element",
            "Patient.birthdate",
            "`birthdate` is not an element of Patient; did you mean `birthDate`?",
        ),
        issue(
            "code-not-allowed",
            "code-invalid",
            "Patient.gender",
            "`robot` is not a code of `gender`; allowed are female, male, other, unknown.",
        ),
        structure("wrong-type", "Patient.name[1].given[0]", "`given` must be a string, not a number."),
        required("Patient.communication[0].language", "`language` is missing; PatientCommunication requires it."),
        structure(
            "choice-repeated",
            "Patient.deceased",
            "Only one of `deceasedBoolean`, `deceasedDateTime` may be there; leave out the others.",
        ),
    ]


# What is no resource


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, structure("wrong-type", None, "A resource must be an object, not null.")),
        ([], structure("wrong-type", None, "A resource must be an object, not a list.")),
        ("Patient", structure("wrong-type", None, "A resource must be an object, not a string.")),
        (
            {},
            required(None, '`resourceType` is missing; a resource names its type, such as "resourceType": "Patient".'),
        ),
        (
            {"resourceType": ["Patient"]},
            structure("wrong-type", None, "`resourceType` must be a string, not a list."),
        ),
        (
            {"resourceType": "patient"},
            structure("unknown-resource-type", None, "`patient` is not a resource type; did you mean `Patient`?"),
        ),
        (
            {"resourceType": "DomainResource"},
            structure(
                "unknown-resource-type", None, "`DomainResource` is not a resource type; check the `resourceType`."
            ),
        ),
    ],
)
def test_what_is_no_resource_is_refused(value: Json, found: Issue) -> None:
    assert check_r4(value) == [found]


def test_contained_resources_and_those_of_a_bundle_are_checked_as_their_type() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "message",
        "entry": [
            {"resource": patient(contained=[{"resourceType": "FooType"}, "x", {"resourceType": "Basic"}])},
            {"resource": {"id": "1"}},
        ],
    }

    assert check_r4(bundle) == [
        structure(
            "unknown-resource-type",
            "Bundle.entry[0].resource.contained[0]",
            "`FooType` is not a resource type; check the `resourceType`.",
        ),
        structure(
            "wrong-type", "Bundle.entry[0].resource.contained[1]", "`contained` must be an object, not a string."
        ),
        required("Bundle.entry[0].resource.contained[2].code", "`code` is missing; Basic requires it."),
        required(
            "Bundle.entry[1].resource",
            '`resourceType` is missing; a resource names its type, such as "resourceType": "Patient".',
        ),
    ]


def test_a_resource_may_be_in_the_parameters_of_an_operation() -> None:
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "p", "resource": patient(active="true")}]}

    assert check_r4(parameters) == [
        structure(
            "wrong-type",
            "Parameters.parameter[0].resource.active",
            "`active` must be true or false, not a string.",
        )
    ]


# Elements


@pytest.mark.parametrize(
    ("name", "expression", "advice"),
    [
        ("names", "Patient.names", "did you mean `name`?"),
        ("deceaseddatetime", "Patient.deceaseddatetime", "did you mean `deceasedDateTime`?"),
        ("eyeColour", "Patient.eyeColour", "leave it out, or send it as an extension."),
        ("_name", "Patient._name", "did you mean `name`?"),
        ("_id", "Patient._id", "did you mean `id`?"),
        ("fhir_comments", "Patient.fhir_comments", "leave it out, or send it as an extension."),
        ("birth date", "Patient", "did you mean `birthDate`?"),
        ("дата", "Patient", "leave it out, or send it as an extension."),
    ],
)
def test_an_unknown_element_is_named_with_the_nearest_known_one(name: str, expression: str, advice: str) -> None:
    assert check_r4(patient(**{name: "x"})) == [
        structure("unknown-element", expression, f"`{name}` is not an element of Patient; {advice}")
    ]


def test_a_name_from_the_request_is_shown_short_and_printable() -> None:
    assert [found.text for found in check_r4(patient(**{"a\n\ud83d": 1, "b" * 1000: 1}))] == [
        "`a\ufffd\ufffd` is not an element of Patient; leave it out, or send it as an extension.",
        f"`{'b' * 64}…` is not an element of Patient; leave it out, or send it as an extension.",
    ]


def test_only_a_resource_has_a_resource_type() -> None:
    assert check_r4(patient(name=[{"resourceType": "HumanName", "family": "A"}])) == [
        structure(
            "unknown-element",
            "Patient.name[0].resourceType",
            "`resourceType` is not an element of HumanName; leave it out, or send it as an extension.",
        )
    ]


@pytest.mark.parametrize(
    ("members", "expression", "text"),
    [
        ({"active": "true"}, "Patient.active", "`active` must be true or false, not a string."),
        ({"active": 1}, "Patient.active", "`active` must be true or false, not a number."),
        ({"birthDate": 1980}, "Patient.birthDate", "`birthDate` must be a string, not a number."),
        ({"birthDate": {}}, "Patient.birthDate", "`birthDate` must be a string, not an object."),
        (
            {"multipleBirthInteger": "2"},
            "Patient.multipleBirth",
            "`multipleBirthInteger` must be a number, not a string.",
        ),
        (
            {"multipleBirthInteger": True},
            "Patient.multipleBirth",
            "`multipleBirthInteger` must be a number, not true or false.",
        ),
        ({"gender": 1}, "Patient.gender", "`gender` must be a string, not a number."),
        ({"maritalStatus": "M"}, "Patient.maritalStatus", "`maritalStatus` must be an object, not a string."),
        ({"name": ["A B"]}, "Patient.name[0]", "`name` must be an object, not a string."),
        ({"name": [[]]}, "Patient.name[0]", "`name` must be an object, not a list."),
        (
            {"name": {"family": "A"}},
            "Patient.name",
            "`name` may occur several times, so it must be a list; put it between [ and ].",
        ),
        (
            {"name": [{"given": "A"}]},
            "Patient.name[0].given",
            "`given` may occur several times, so it must be a list; put it between [ and ].",
        ),
        ({"birthDate": ["1980"]}, "Patient.birthDate", "`birthDate` occurs at most once, so it must not be a list."),
        (
            {"managingOrganization": [{"reference": "#a"}]},
            "Patient.managingOrganization",
            "`managingOrganization` occurs at most once, so it must not be a list.",
        ),
        ({"_birthDate": "x"}, "Patient.birthDate", "`_birthDate` must be an object, not a string."),
    ],
)
def test_a_value_of_another_kind_is_a_wrong_type(members: Json, expression: str, text: str) -> None:
    assert check_r4(patient(**members)) == [structure("wrong-type", expression, text)]


@pytest.mark.parametrize(
    ("members", "expression", "text"),
    [
        ({"name": [{"family": ""}]}, "Patient.name[0].family", "`family` is empty; leave out what has no value."),
        ({"gender": ""}, "Patient.gender", "`gender` is empty; leave out what has no value."),
        ({"name": []}, "Patient.name", "`name` is empty; leave out what has no value."),
        ({"name": [{}]}, "Patient.name[0]", "`name` is empty; leave out what has no value."),
        ({"name": [None]}, "Patient.name[0]", "`name` is null; leave out what has no value."),
        ({"name": None}, "Patient.name", "`name` is null; leave out what has no value."),
        ({"active": None}, "Patient.active", "`active` is null; leave out what has no value."),
        ({"maritalStatus": {}}, "Patient.maritalStatus", "`maritalStatus` is empty; leave out what has no value."),
        ({"name": [{"given": []}]}, "Patient.name[0].given", "`given` is empty; leave out what has no value."),
        ({"name": [{"given": [None]}]}, "Patient.name[0].given[0]", "`given` is null; leave out what has no value."),
        ({"_birthDate": {}}, "Patient.birthDate", "`_birthDate` is empty; leave out what has no value."),
    ],
)
def test_what_is_there_has_a_value(members: Json, expression: str, text: str) -> None:
    """An element is never empty: https://hl7.org/fhir/R4/json.html"""
    assert check_r4(patient(**members)) == [structure("empty-value", expression, text)]


def test_required_elements_are_missed_in_the_order_of_the_standard() -> None:
    assert check_r4({"resourceType": "Observation", "component": [{"valueString": "x"}]}) == [
        required("Observation.component[0].code", "`code` is missing; ObservationComponent requires it."),
        required("Observation.status", "`status` is missing; Observation requires it."),
        required("Observation.code", "`code` is missing; Observation requires it."),
    ]


def test_an_extension_that_says_why_is_enough_for_a_required_primitive() -> None:
    reason = {"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}

    assert check_r4({"resourceType": "Bundle", "_type": reason}) == []


def test_a_required_choice_is_missed() -> None:
    request = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {"display": "P"}}

    assert check_r4(request) == [
        required(
            "MedicationRequest.medication",
            "`medication[x]` is missing; MedicationRequest requires one of "
            "`medicationCodeableConcept`, `medicationReference`.",
        )
    ]
    assert check_r4({**request, "reportedBoolean": True}) == check_r4(request)
    assert check_r4({**request, "medicationReference": {"display": "M"}, "reportedBoolean": True}) == []


def test_a_choice_may_be_made_once_with_an_extension_beside_it() -> None:
    extension = {"id": "a"}

    assert check_r4(patient(deceasedDateTime="2024", _deceasedDateTime=extension)) == []
    assert check_r4(patient(_deceasedBoolean=extension, deceasedDateTime="2024")) == [
        structure(
            "choice-repeated",
            "Patient.deceased",
            "Only one of `deceasedBoolean`, `deceasedDateTime` may be there; leave out the others.",
        )
    ]


def test_two_choices_at_once_are_two_choices() -> None:
    assert check_r4(patient(deceasedBoolean=False, multipleBirthBoolean=True)) == []


# Primitives and their extensions


def test_extensions_of_primitives_have_the_path_of_the_element() -> None:
    assert check_r4(
        patient(
            _birthDate={"extension": [{"valueString": "x"}]},
            name=[{"given": ["A"], "_given": [{"extension": [{"url": "u", "valueString": 1}]}]}],
        )
    ) == [
        required("Patient.birthDate.extension[0].url", "`url` is missing; Extension requires it."),
        structure(
            "wrong-type",
            "Patient.name[0].given[0].extension[0].value",
            "`valueString` must be a string, not a number.",
        ),
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ({"given": ["A", None], "_given": [None, {"id": "b"}]}, []),
        ({"_given": [{"id": "a"}]}, []),
        ({"given": ["A"], "_given": [None]}, []),
        (
            {"given": ["A", None], "_given": [{"id": "a"}, None]},
            [structure("empty-value", "Patient.name[0].given[1]", "`given` is null; leave out what has no value.")],
        ),
        (
            {"_given": [None]},
            [structure("empty-value", "Patient.name[0].given[0]", "`_given` is null; leave out what has no value.")],
        ),
        (
            {"given": ["A", None], "_given": [{"id": "a"}]},
            [
                structure("empty-value", "Patient.name[0].given[1]", "`given` is null; leave out what has no value."),
                structure(
                    "wrong-type",
                    "Patient.name[0].given",
                    "`given` and `_given` must be lists of the same length; fill the gaps with null.",
                ),
            ],
        ),
        (
            {"given": ["A"], "_given": {"id": "a"}},
            [
                structure(
                    "wrong-type",
                    "Patient.name[0].given",
                    "`_given` may occur several times, so it must be a list; put it between [ and ].",
                )
            ],
        ),
        (
            {"given": ["A"], "_given": ["x"]},
            [structure("wrong-type", "Patient.name[0].given[0]", "`_given` must be an object, not a string.")],
        ),
        (
            {"given": ["A"], "_given": [{"ID": "x"}]},
            [
                structure(
                    "unknown-element",
                    "Patient.name[0].given[0].ID",
                    "`ID` is not an element of Element; did you mean `id`?",
                )
            ],
        ),
    ],
)
def test_nulls_in_a_list_stand_opposite_an_extension(name: Json, found: list[Issue]) -> None:
    assert check_r4(patient(name=[name])) == found


def test_a_code_is_shown_and_no_other_value_ever_is() -> None:
    found = check_r4(patient(gender="x" * 100, birthDate="geheim", id="geheim!", name=[{"use": " geheim"}]))

    assert found == [
        issue(
            "code-not-allowed",
            "code-invalid",
            "Patient.gender",
            f"`{'x' * 64}…` is not a code of `gender`; allowed are female, male, other, unknown.",
        ),
        bad_format(
            "Patient.birthDate", "`birthDate` must be a date of the calendar such as 2024-02-29, 2024-02 or 2024."
        ),
        bad_format("Patient.id", "`id` must be an id: 1 to 64 letters, digits, `-` and `.`."),
        bad_format("Patient.name[0].use", "`use` must be a code: no spaces at its ends, and no two in a row."),
    ]


def test_codes_that_fhir_resources_cuts_short_are_whole() -> None:
    observation = {"resourceType": "Observation", "status": "entered-in-error", "code": {"text": "weight"}}

    assert check_r4(observation) == []
    assert check_r4({**observation, "valueQuantity": {"value": 70, "comparator": "~"}}) == [
        issue(
            "code-not-allowed",
            "code-invalid",
            "Observation.value.comparator",
            "`~` is not a code of `comparator`; allowed are <, <=, >, >=.",
        )
    ]


def fits(version: Version, type_name: str, value: Json) -> bool:
    """Whether a primitive is fine as the value of an extension."""
    name = f"value{type_name[0].upper()}{type_name[1:]}"
    check = {"3.0": check_stu3, "4.0": check_r4}[version]
    return check(patient(extension=[{"url": "http://example.org", name: value}])) == []


UUID = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


@pytest.mark.parametrize(
    ("type_name", "good", "bad"),
    [
        ("boolean", [True, False], ["true", 0, None]),
        ("integer", [0, -2147483648, 2147483647], [2147483648, -2147483649, Decimal("1.0"), Decimal(2**70), True, "1"]),
        ("unsignedInt", [0, 2147483647], [-1, 2147483648]),
        ("positiveInt", [1, 2147483647], [0, -1, 2147483648]),
        ("decimal", [0, 7, -3, Decimal("1.50"), Decimal("1E-9"), 0.5], [True, "1.5"]),
        (
            "string",
            ["x", " padded ", "two\r\n\tlines", "no\u00a0break", "Ґ😀", "x" * 1048576],
            ["", "bell\x07", "nul\x00", "x" * 1048577],
        ),
        ("markdown", ["# x\n"], ["", "\x1b"]),
        ("uri", ["http://example.org/a?b=c#d", "urn:oid:1.2", "#a", "Приклад"], ["", "a b", "a\n", " a"]),
        ("code", ["a", "two words", "a-b_c", "final"], ["", " a", "a ", "two  spaces", "a\n"]),
        ("id", ["a", "A-1.b", "x" * 64], ["", "x" * 65, "a_b", "a/b", "é", "a\n"]),
        ("oid", ["urn:oid:1.2.3", "urn:oid:2.16.840.1"], ["1.2.3", "urn:oid:1.02", "urn:oid:1."]),
        ("base64Binary", ["YWJj", "YWJj\nYWJj ", "YQ=="], ["", "YWJ", "YW-j", "x" * 5]),
        (
            "date",
            ["1980", "1980-02", "2024-02-29", "0001-01-01"],
            ["80", "1980-13", "2023-02-29", "1900-02-29", "0000"],
        ),
        (
            "dateTime",
            ["1980", "1980-02", "2024-02-29", "2024-02-29T09:30:00.5+14:00"],
            ["2024-02-29T09:30:00", "2024-02-29T09:30Z", "2024-02-30T09:30:00Z", "2024-02-29T24:00:00Z", "2024-1-1"],
        ),
        (
            "instant",
            ["2024-02-29T09:30:00Z", "2016-12-31T23:59:60-00:00"],
            ["2024-02-29", "2023-02-29T09:30:00Z", "2024-02-29T09:30:00+15:00", "2024-02-29T09:30:00"],
        ),
        ("time", ["09:30:00", "23:59:59.999"], ["9:30:00", "09:30", "24:00:00", "09:30:00Z"]),
    ],
)
def test_a_primitive_is_written_as_fhir_says(type_name: str, good: list[Json], bad: list[Json]) -> None:
    assert [value for value in good if not fits("4.0", type_name, value)] == []
    assert [value for value in bad if fits("4.0", type_name, value)] == []


@pytest.mark.parametrize(
    ("type_name", "good", "bad"),
    [
        ("uuid", [UUID], [UUID.upper(), UUID[9:], f"{UUID}0"]),
        ("url", ["http://example.org"], ["", "a b"]),
        ("canonical", ["http://example.org|1"], ["a b"]),
    ],
)
def test_r4_has_further_kinds_of_uri(type_name: str, good: list[Json], bad: list[Json]) -> None:
    assert [value for value in good if not fits("4.0", type_name, value)] == []
    assert [value for value in bad if fits("4.0", type_name, value)] == []


def test_stu3_has_years_before_our_era_and_white_space_anywhere_in_base64() -> None:
    assert fits("3.0", "date", "-0044-03-15")
    assert not fits("4.0", "date", "-0044-03-15")
    assert fits("3.0", "base64Binary", "Y W\nJj")
    assert not fits("4.0", "base64Binary", "Y W\nJj")
    assert fits("3.0", "oid", "urn:oid:3.1")
    assert not fits("4.0", "oid", "urn:oid:3.1")


def test_base64_that_is_nearly_right_takes_no_longer_than_what_is_right() -> None:
    """FHIR's own expression would take longer than the age of the universe."""
    assert not fits("4.0", "base64Binary", "AAAA    " * 20_000 + "!")
    assert not fits("3.0", "base64Binary", "AAAA    " * 20_000 + "!")


def test_a_narrative_begins_with_its_div() -> None:
    assert check_r4(patient(text={"status": "generated", "div": "<p>text</p>", "_div": {"id": "a"}})) == [
        bad_format("Patient.text.div", "`div` must be XHTML that begins with <div."),
        structure("unknown-element", "Patient.text._div", "`_div` is not an element of Narrative; did you mean `div`?"),
    ]


# STU3


def test_each_version_has_its_own_elements() -> None:
    header = {
        "resourceType": "MessageHeader",
        "event": {"system": "http://example.org", "code": "a"},
        "timestamp": "2024-02-29T09:30:00Z",
        "source": {"endpoint": "urn:oid:1.2.3"},
    }

    assert check_stu3(header) == []
    assert check_r4(header) == [
        structure(
            "unknown-element",
            "MessageHeader.event",
            "`event` is not an element of MessageHeader; did you mean `eventUri`?",
        ),
        structure(
            "unknown-element",
            "MessageHeader.timestamp",
            "`timestamp` is not an element of MessageHeader; leave it out, or send it as an extension.",
        ),
        required(
            "MessageHeader.event",
            "`event[x]` is missing; MessageHeader requires one of `eventCoding`, `eventUri`.",
        ),
    ]


# What a partner's own documents may get wrong

TOLERATED = {
    "Patient.managingOrganization.identifier": "list",
    "Patient.birthDate": "list",
    "MessageHeader.source.endpoint": "text",
}
tolerant = structure_checker("3.0", tolerated=TOLERATED)


def test_a_tolerated_list_is_taken_and_each_of_its_items_checked() -> None:
    resource = patient(managingOrganization={"identifier": [{"value": "1"}, {"value": 2}]}, birthDate=["1980", "x"])

    assert tolerant({"resourceType": "Bundle", "type": "message", "entry": [{"resource": resource}]}) == [
        structure(
            "wrong-type",
            "Bundle.entry[0].resource.managingOrganization.identifier[1].value",
            "`value` must be a string, not a number.",
        ),
        bad_format(
            "Bundle.entry[0].resource.birthDate[1]",
            "`birthDate` must be a date of the calendar such as 2024-02-29, 2024-02 or 2024.",
        ),
    ]
    assert tolerant(patient(managingOrganization={"identifier": {"value": "1"}}, birthDate="1980")) == []


def test_what_is_tolerated_in_one_place_is_refused_in_any_other() -> None:
    assert tolerant(patient(generalPractitioner=[{"identifier": [{"value": "1"}]}])) == [
        structure(
            "wrong-type",
            "Patient.generalPractitioner[0].identifier",
            "`identifier` occurs at most once, so it must not be a list.",
        )
    ]


def test_tolerated_text_may_be_anything_but_empty() -> None:
    def header(endpoint: Json) -> Json:
        return {
            "resourceType": "MessageHeader",
            "event": {"code": "a"},
            "timestamp": "2024-02-29T09:30:00Z",
            "source": {"endpoint": endpoint},
        }

    assert tolerant(header("Clinic 7, ward B")) == []
    assert tolerant(header("")) == [
        structure("empty-value", "MessageHeader.source.endpoint", "`endpoint` is empty; leave out what has no value.")
    ]
    assert check_stu3(header("Clinic 7, ward B")) == [
        bad_format("MessageHeader.source.endpoint", "`endpoint` must be a URI, which has no spaces.")
    ]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("Patient.nome", "list"),
        ("Patient.birthDate.day", "list"),
        ("HumanName.given", "list"),
        ("Patient", "list"),
        ("Patient.birthDate", "anything"),
    ],
)
def test_only_what_fhir_has_can_be_tolerated(path: str, what: str) -> None:
    with pytest.raises(ValueError, match="cannot be tolerated") as raised:
        structure_checker("4.0", tolerated={path: what})

    assert str(raised.value) == (
        f'"{path}": "{what}" cannot be tolerated: FHIR 4.0 has no such element, or no such rule'
    )


# However odd


def test_a_document_of_a_million_problems_is_answered_with_some_of_them() -> None:
    found = check_r4(patient(name=[{"given": [1]}] * 2_234))

    assert len(found) == 1_001
    assert found[-1] == structure("too-many-problems", "Patient", "There are more problems; correct these first.")


def test_nesting_beyond_what_python_can_follow_is_no_crash() -> None:
    extension: Json = {"url": "http://example.org"}
    for _ in range(100_000):
        extension = {"url": "http://example.org", "extension": [extension]}

    assert check_r4(patient(extension=[extension])) == [
        structure("nested-too-deep", None, "The resource is nested too deeply; send it flatter.")
    ]
    while "extension" in extension:  # taken apart by hand: Python frees nested values by recursion
        extension = extension["extension"].pop()


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_every_type_of_resource_can_be_checked(version: Version) -> None:
    check = structure_checker(version)

    for type_name in resource_types(version):
        found = check({"resourceType": type_name, "nothing": 1})
        assert (found[0].error, found[0].expression) == ("unknown-element", f"{type_name}.nothing")


names = st.sampled_from(
    ["resourceType", "id", "name", "given", "_given", "extension", "url", "valueString", "contained", "birthDate",
     "_birthDate", "deceasedBoolean", "identifier", "managingOrganization", "active", "meta", "text", "div"]
)  # fmt: skip
odd_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(["Patient", "Bundle", "Parameters", "1980-02-30"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(st.characters()), inner, max_size=5),
    max_leaves=25,
)


@given(odd_json, st.dictionaries(names | st.text(st.characters()), odd_json, max_size=6))
def test_no_json_value_makes_the_check_fail_or_is_changed(value: Json, members: dict[str, Json]) -> None:
    for resource in (value, {**members, "resourceType": "Patient"}, {**members, "resourceType": "Bundle"}):
        before = repr(resource)

        found = check_r4(resource) + check_stu3(resource)

        assert all(one.text and one.severity == "error" for one in found)
        assert repr(resource) == before
