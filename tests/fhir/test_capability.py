"""CapabilityStatements, in R4 and STU3: all that is offered, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from fhir_bridge.fhir.capability import (
    Offer,
    Security,
    Statement,
    base_title,
    capability_statement,
    terminology_capabilities,
)
from fhir_bridge.fhir.search import Parameter
from fhir_bridge.outcome import Json

R4 = Statement(
    "4.0", "1.2.3", "fhir-bridge: Northlab", "FHIR facade of Northlab", "https://bridge.example/fhir/northlab"
)
STU3 = Statement("3.0", "1.2.3", "fhir-bridge: Northlab", "FHIR facade of Northlab", None)
SYSTEM = "https://fhir-bridge.example/fhir/sid/northlab-patient"
PROFILE = "https://fhir-bridge.example/fhir/StructureDefinition/northlab-patient"
ORDER_KIT = "https://fhir-bridge.example/fhir/OperationDefinition/northlab-order-kit"
PROCESS_MESSAGE = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"

VALIDATE = {"name": "validate", "definition": "http://hl7.org/fhir/OperationDefinition/Resource-validate"}
VERSIONS = {"name": "versions", "definition": "http://hl7.org/fhir/OperationDefinition/CapabilityStatement-versions"}
SYSTEM_INTERACTIONS = [
    {"code": "transaction", "documentation": "One entry at most may change anything: partners have no common commit."},
    {"code": "batch"},
]
SECURITY = {"cors": False, "description": "The bridge itself does not check who calls."}
RESULT_PARAMETERS = [
    {"name": "_count", "type": "number", "documentation": "How many matches a page holds; follow the link `next`."},
    {"name": "_summary", "type": "string", "documentation": "true, text, data, count or false; on reads too."},
    {"name": "_elements", "type": "string", "documentation": "The names of elements; on reads too."},
]
ID = {"name": "_id", "definition": "http://hl7.org/fhir/SearchParameter/Resource-id", "type": "token"}


def offer(code: str, resource_type: str = "Patient", by: str = "Northlab", **more: object) -> Offer:
    return Offer(resource_type=resource_type, code=code, by=by, **more)  # type: ignore[arg-type]


def rest(about: Statement, *offers: Offer) -> Json:
    """Return the one `rest` of the statement."""
    (only,) = capability_statement(about, offers)["rest"]
    return only


def resource(*offers: Offer) -> Json:
    """Return the `rest.resource` that R4 gives the first type among the offers."""
    return rest(R4, *offers)["resource"][0]


def test_a_base_that_offers_nothing_still_has_what_every_base_has() -> None:
    definitions = [
        {
            "type": name,
            "documentation": "What the bridge checks requests by.",
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "versioning": "no-version",
            "readHistory": False,
            "updateCreate": False,
            "searchParam": [
                ID,
                {"name": "url", "definition": "http://hl7.org/fhir/SearchParameter/conformance-url", "type": "uri"},
                {
                    "name": "name",
                    "definition": "http://hl7.org/fhir/SearchParameter/conformance-name",
                    "type": "string",
                    "documentation": "The whole value, as it is written.",
                },
            ],
            "operation": [VALIDATE],
        }
        for name in (
            *("StructureDefinition", "OperationDefinition", "SearchParameter"),
            *("CodeSystem", "ValueSet", "ConceptMap"),
        )
    ]

    assert capability_statement(R4, []) == {
        "resourceType": "CapabilityStatement",
        "name": "FhirBridge",
        "title": "fhir-bridge: Northlab",
        "status": "active",
        "date": "2026-11-21",
        "publisher": "fhir-bridge",
        "kind": "instance",
        "software": {"name": "fhir-bridge", "version": "1.2.3"},
        "implementation": {
            "description": "FHIR facade of Northlab",
            "url": "https://bridge.example/fhir/northlab",
        },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [
            {
                "mode": "server",
                "security": SECURITY,
                "resource": definitions,
                "interaction": SYSTEM_INTERACTIONS,
                "searchParam": RESULT_PARAMETERS,
                "operation": [VERSIONS],
            }
        ],
    }


def test_stu3_says_that_it_takes_no_unknown_element_and_serves_no_definitions() -> None:
    assert capability_statement(STU3, []) == {
        "resourceType": "CapabilityStatement",
        "name": "FhirBridge",
        "title": "fhir-bridge: Northlab",
        "status": "active",
        "date": "2026-11-21",
        "publisher": "fhir-bridge",
        "kind": "instance",
        "software": {"name": "fhir-bridge", "version": "1.2.3"},
        "implementation": {"description": "FHIR facade of Northlab"},
        "fhirVersion": "3.0.2",
        "acceptUnknown": "no",
        "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
        "rest": [
            {
                "mode": "server",
                "security": SECURITY,
                "interaction": SYSTEM_INTERACTIONS,
                "operation": [
                    {"name": each["name"], "definition": {"reference": each["definition"]}}
                    for each in (VALIDATE, VERSIONS)
                ],
            }
        ],
    }


def test_a_type_lists_its_interactions_and_how_each_may_be_asked_for() -> None:
    offers = [offer(code, profile=PROFILE, system=SYSTEM) for code in ("read", "update", "patch", "search-type")]

    assert resource(*offers) == {
        "type": "Patient",
        "supportedProfile": [PROFILE],
        "documentation": "read, update, patch, search-type: Northlab",
        "interaction": [{"code": "read"}, {"code": "update"}, {"code": "patch"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "conditionalRead": "not-supported",
        "conditionalUpdate": True,
        "searchParam": [
            ID,
            {
                "name": "identifier",
                "definition": "http://hl7.org/fhir/SearchParameter/Patient-identifier",
                "type": "token",
                "documentation": f"With a system, which is the logical id's: {SYSTEM}.",
            },
        ],
        "operation": [VALIDATE],
    }


def test_a_type_without_identity_system_is_found_by_id_only() -> None:
    assert resource(offer("search-type")) == {
        "type": "Patient",
        "documentation": "search-type: Northlab",
        "interaction": [{"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [ID],
        "operation": [VALIDATE],
    }


def test_a_type_whose_records_tell_their_versions_has_versions() -> None:
    """A read of what has none is never 304."""
    told = resource(offer("read", versioned=True), offer("vread", versioned=True))

    assert told["interaction"] == [{"code": "read"}, {"code": "vread"}]
    assert (told["versioning"], told["conditionalRead"]) == ("versioned", "full-support")


STATE = Parameter("state", "token", "https://northlab.example/SearchParameter/state", "Open or closed.")
NUMBER = Parameter("number", "token", "http://hl7.org/fhir/SearchParameter/Patient-number")


def test_a_search_lists_each_parameter_that_its_partners_know() -> None:
    found = resource(
        offer("search-type", parameters=(STATE, NUMBER), by_id=False),
        offer("search-type", by="Southlab", parameters=(NUMBER,)),
    )

    assert found["searchParam"] == [
        ID,
        {"name": "state", "definition": STATE.definition, "type": "token", "documentation": "Open or closed."},
        {"name": "number", "definition": NUMBER.definition, "type": "token"},
    ]


def test_a_search_that_finds_all_or_nothing_has_no_parameter() -> None:
    assert "searchParam" not in resource(offer("search-type", by_id=False))


def test_a_create_is_not_conditional() -> None:
    assert resource(offer("create", "Bundle")) == {
        "type": "Bundle",
        "documentation": "create: Northlab",
        "interaction": [{"code": "create"}],
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        "operation": [VALIDATE],
    }


def test_an_operation_is_listed_with_its_definition_under_each_of_its_names() -> None:
    names = [offer("operation", operation=name, definition=ORDER_KIT, profile=PROFILE) for name in ("order-kit", "ok")]

    assert resource(*names) == {
        "type": "Patient",
        "documentation": "$order-kit, $ok: Northlab",
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "operation": [
            {"name": "order-kit", "definition": ORDER_KIT},
            {"name": "ok", "definition": ORDER_KIT},
            VALIDATE,
        ],
    }


def test_an_operation_of_the_whole_base_is_listed_there() -> None:
    message = offer(
        "operation", "Bundle", operation="process-message", definition=PROCESS_MESSAGE, of_system=True, profile=PROFILE
    )

    listed = rest(R4, message)

    assert listed["operation"] == [{"name": "process-message", "definition": PROCESS_MESSAGE}, VERSIONS]
    assert "Bundle" not in [each["type"] for each in listed["resource"]]


def test_an_operation_without_a_definition_is_documented_only() -> None:
    assert resource(offer("operation", operation="order-kit")) == {
        "type": "Patient",
        "documentation": "$order-kit: Northlab",
        "versioning": "no-version",
        "readHistory": False,
        "updateCreate": False,
        "operation": [VALIDATE],
    }


def test_the_hub_says_which_partner_offers_what() -> None:
    offers = [
        offer("read", system=SYSTEM),
        offer("read", by="Southlab"),
        offer("operation", by="Southlab", operation="order-kit", definition=ORDER_KIT),
        offer("update", "Bundle", by="Westlab"),
    ]

    listed = rest(R4, *offers)["resource"]

    assert [(each["type"], each["documentation"]) for each in listed[:2]] == [
        ("Patient", "read: Northlab; read, $order-kit: Southlab"),
        ("Bundle", "update: Westlab"),
    ]
    assert listed[0]["interaction"] == [{"code": "read"}]


def test_a_search_may_be_by_identifier_alone() -> None:
    (only,) = resource(offer("search-type", system=SYSTEM, by_id=False))["searchParam"]

    assert only["name"] == "identifier"


def test_what_there_is_to_know_besides_is_documented() -> None:
    for about in (R4, STU3):
        assert rest(replace(about, documentation="Ask nicely."))["documentation"] == "Ask nicely."


def test_patches_are_taken_in_four_formats() -> None:
    assert capability_statement(R4, [offer("patch")])["patchFormat"] == [
        "application/json-patch+json",
        "application/fhir+json",
        "application/fhir+xml",
        "application/merge-patch+json",
    ]


def test_stu3_lists_operations_at_the_base_and_no_type_that_has_nothing_else() -> None:
    offers = [
        offer("update", "Bundle", profile=PROFILE),
        offer("operation", operation="order-kit", definition=ORDER_KIT),
        offer("operation", "Bundle", operation="process-message", definition=PROCESS_MESSAGE, of_system=True),
    ]

    assert rest(STU3, *offers) == {
        "mode": "server",
        "security": SECURITY,
        "resource": [
            {
                "type": "Bundle",
                "documentation": "update: Northlab",
                "interaction": [{"code": "update"}],
                "versioning": "no-version",
                "readHistory": False,
                "updateCreate": False,
                "conditionalUpdate": True,
            }
        ],
        "interaction": SYSTEM_INTERACTIONS,
        "operation": [
            {"name": "order-kit", "definition": {"reference": ORDER_KIT}},
            {"name": "process-message", "definition": {"reference": PROCESS_MESSAGE}},
            {"name": "validate", "definition": {"reference": VALIDATE["definition"]}},
            {"name": "versions", "definition": {"reference": VERSIONS["definition"]}},
        ],
    }


def test_the_title_is_the_partners_or_the_hubs() -> None:
    assert (base_title("Northlab"), base_title(None)) == ("fhir-bridge: Northlab", "fhir-bridge: the hub")


def security(about: Statement, **known: object) -> Json:
    """Return what a statement says of security where this is known."""
    return rest(replace(about, security=Security(**known)))["security"]  # type: ignore[arg-type]


def test_it_says_whose_token_is_passed_on_and_where_the_bridge_logs_in_itself() -> None:
    assert security(R4, token_of=("Northlab",)) == {
        "cors": False,
        "service": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth"}]}
        ],
        "description": "The bridge itself does not check who calls. "
        "Send your access token for Northlab, as a bearer token; it is passed on.",
    }
    assert security(STU3, cors=True, token_of=("A", "B", "C"), own_login=("D", "E")) == {
        "cors": True,
        "service": [{"coding": [{"system": "http://hl7.org/fhir/restful-security-service", "code": "OAuth"}]}],
        "description": "The bridge itself does not check who calls. "
        "Send your access token for A, B and C, as a bearer token; it is passed on. "
        "The bridge has credentials of its own for D and E.",
    }


def test_stu3_says_how_the_answer_to_a_search_looks_where_there_is_one() -> None:
    assert rest(STU3, offer("search-type"))["searchParam"] == RESULT_PARAMETERS


def test_terminology_is_the_code_systems_that_are_served() -> None:
    systems = [{"url": "urn:a", "version": "1.0.0", "concept": []}, {"url": "urn:b"}]

    about = {
        "resourceType": "TerminologyCapabilities",
        "name": "FhirBridge",
        "title": "fhir-bridge: Northlab",
        "status": "active",
        "date": "2026-11-21",
        "publisher": "fhir-bridge",
        "kind": "instance",
        "software": {"name": "fhir-bridge", "version": "1.2.3"},
        "implementation": {
            "description": "FHIR facade of Northlab",
            "url": "https://bridge.example/fhir/northlab",
        },
    }
    assert terminology_capabilities(R4, systems) == {
        **about,
        "codeSystem": [{"uri": "urn:a", "version": [{"code": "1.0.0"}]}, {"uri": "urn:b"}],
        "codeSearch": "explicit",
    }
    assert terminology_capabilities(R4, []) == {**about, "codeSearch": "explicit"}
