"""Addresses, methods, queries and preferences: what a request asks for, in FHIR's terms."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.interaction import (
    ID,
    Address,
    Interaction,
    Preferences,
    interaction_code,
    parse_address,
    parse_preferences,
    parse_query,
)
from fhir_bridge.outcome import FhirError, Issue

BASES = {"northlab": None, "southlab": None}

NO_ADDRESS = (
    "This address is no FHIR address: [base]/[type], [base]/[type]/[id], [base]/metadata or one with $operation."
)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("", Address(None)),
        ("/", Address(None)),
        ("/northlab", Address("northlab")),
        ("/northlab/", Address("northlab")),
        ("/metadata", Address(None, special="metadata")),
        ("/northlab/metadata", Address("northlab", special="metadata")),
        ("/$versions", Address(None, operation="versions")),
        ("/northlab/$process-message", Address("northlab", operation="process-message")),
        ("/Patient", Address(None, "Patient")),
        ("/northlab/Patient", Address("northlab", "Patient")),
        ("/northlab/Patient/", Address("northlab", "Patient")),
        ("/northlab/Patient/_search", Address("northlab", "Patient", special="_search")),
        ("/northlab/Patient/_history", Address("northlab", "Patient", special="_history")),
        ("/northlab/Patient/$validate", Address("northlab", "Patient", operation="validate")),
        ("/northlab/Patient/42", Address("northlab", "Patient", "42")),
        ("/northlab/Patient/42/_history", Address("northlab", "Patient", "42", special="_history")),
        ("/northlab/Patient/42/_history/7", Address("northlab", "Patient", "42", special="_version", version_id="7")),
        ("/northlab/Patient/42/$order-kit", Address("northlab", "Patient", "42", "order-kit")),
        ("/northlab/Patient/42/%24order-kit", Address("northlab", "Patient", "42", "order-kit")),
    ],
)
def test_an_address_is_taken_apart(path: str, address: Address) -> None:
    assert parse_address(path, BASES) == address


def test_an_encoded_slash_stays_in_its_part() -> None:
    assert parse_address("/northlab/Patient/a%2Fb%2F..", BASES) == Address("northlab", "Patient", "a/b/..")


def test_a_partner_that_is_not_known_is_no_base() -> None:
    with pytest.raises(FhirError) as error:
        parse_address("/westlab/Patient/42", BASES)

    text = f"{NO_ADDRESS} Bases here: /fhir, /fhir/northlab, /fhir/southlab."
    assert (error.value.status_code, error.value.issues) == (404, (Issue("unknown-path", "not-found", text),))


@pytest.mark.parametrize(
    "path",
    [
        "/northlab/Patient/42/name",
        "/northlab/Patient/42/_history/7/8",
        "/northlab/Patient/42/$order-kit/now",
        "/northlab/Patient/_search/42/43",
    ],
)
def test_an_address_that_goes_on_below_fhirs_is_none(path: str) -> None:
    with pytest.raises(FhirError) as error:
        parse_address(path, BASES)

    assert (error.value.status_code, error.value.issues) == (404, (Issue("unknown-path", "not-found", NO_ADDRESS),))


@pytest.mark.parametrize("path", ["//Patient", "/patient/42", "/P", "/../Patient", "/northlab/northlab", "/Patient1"])
def test_what_is_no_resource_type_is_no_address(path: str) -> None:
    with pytest.raises(FhirError) as error:
        parse_address(path, BASES)

    assert error.value.status_code == 404


@pytest.mark.parametrize(
    ("method", "address", "code"),
    [
        ("GET", Address(None, "Patient", "42"), "read"),
        ("HEAD", Address(None, "Patient", "42"), "read"),
        ("PUT", Address(None, "Patient", "42"), "update"),
        ("PATCH", Address(None, "Patient", "42"), "patch"),
        ("DELETE", Address(None, "Patient", "42"), "delete"),
        ("GET", Address(None, "Patient"), "search-type"),
        ("HEAD", Address(None, "Patient"), "search-type"),
        ("POST", Address(None, "Patient"), "create"),
        ("PUT", Address(None, "Patient"), "update"),
        ("PATCH", Address(None, "Patient"), "patch"),
        ("DELETE", Address(None, "Patient"), "delete"),
        ("POST", Address("northlab"), "batch"),
        ("GET", Address(None, special="metadata"), "capabilities"),
        ("POST", Address(None, "Patient", special="_search"), "search-type"),
        ("GET", Address(None, "Patient", special="_history"), "history"),
        ("GET", Address(None, "Patient", "42", special="_history"), "history"),
        ("GET", Address(None, "Patient", "42", special="_version"), "vread"),
        ("POST", Address(None, operation="versions"), "operation"),
        ("POST", Address(None, "Patient", "42", "order-kit"), "operation"),
        ("GET", Address(None, "Patient", "42", "order-kit"), "operation"),
        ("DELETE", Address(None, "Patient", "42", "order-kit"), "operation"),
    ],
)
def test_a_method_means_an_interaction_at_an_address(method: str, address: Address, code: str) -> None:
    assert interaction_code(method, address) == code


@pytest.mark.parametrize(
    ("method", "address", "allow"),
    [
        ("POST", Address(None, "Patient", "42"), "GET, PUT, PATCH, DELETE"),
        ("TRACE", Address(None, "Patient"), "GET, POST, PUT, PATCH, DELETE"),
        ("GET", Address("northlab"), "POST"),
        ("POST", Address(None, special="metadata"), "GET"),
        ("GET", Address(None, "Patient", special="_search"), "POST"),
    ],
)
def test_a_method_that_means_nothing_is_told_which_do(method: str, address: Address, allow: str) -> None:
    with pytest.raises(FhirError) as error:
        interaction_code(method, address)

    text = f"{method} means nothing at this address; OPTIONS tells the methods that do."
    assert error.value.status_code == 405
    assert error.value.issues == (Issue("method-not-allowed", "not-supported", text),)
    assert error.value.headers == {"Allow": allow}


def test_a_query_keeps_its_order_its_repeats_and_its_blanks() -> None:
    assert parse_query("identifier=urn%3Aoid%3A1%7C42&_id=a+b&_id=&x") == (
        ("identifier", "urn:oid:1|42"),
        ("_id", "a b"),
        ("_id", ""),
        ("x", ""),
    )


@pytest.mark.parametrize(
    ("header", "preferences"),
    [
        ("", Preferences()),
        ("return=minimal", Preferences("minimal")),
        ("return=representation", Preferences("representation")),
        ("return=OperationOutcome", Preferences("OperationOutcome")),
        ("handling=strict", Preferences(strict=True)),
        ("handling=lenient", Preferences()),
        ("return=minimal; handling=strict", Preferences("minimal", strict=True)),
        ("handling=strict,return=OperationOutcome", Preferences("OperationOutcome", strict=True)),
        ('Return = "minimal" , HANDLING="strict"', Preferences("minimal", strict=True)),
        ("return=minimal, return=representation", Preferences("minimal")),
        ("return=everything", Preferences()),
        ("respond-async", Preferences()),
    ],
)
def test_preferences_are_read_and_what_is_not_known_is_none(header: str, preferences: Preferences) -> None:
    assert parse_preferences(header) == preferences


@pytest.mark.parametrize(
    ("header", "is_strict"),
    [("", True), ("handling=lenient", False), ("handling=odd", True), ("handling=strict", True)],
)
def test_a_server_may_be_strict_unless_a_client_asks_for_lenience(header: str, is_strict: bool) -> None:
    assert parse_preferences(header, strict=True).strict is is_strict


@pytest.mark.parametrize("text", ["42", "a", "A-z.0", "...", "x" * 64])
def test_an_id_has_letters_digits_hyphens_and_dots(text: str) -> None:
    assert ID.fullmatch(text)


@pytest.mark.parametrize("text", ["", ".", "..", "x" * 65, "a/b", "a b", "a_b", "ä", "42\n"])
def test_what_could_leave_its_place_in_an_address_is_no_id(text: str) -> None:
    assert not ID.fullmatch(text)


def test_an_interaction_tells_type_and_id_as_text() -> None:
    instance = Interaction("read", Address("northlab", "Patient", "42"), "4.0")
    base = Interaction("capabilities", Address(None, special="metadata"), "4.0")

    assert (instance.resource_type, instance.id) == ("Patient", "42")
    assert (base.resource_type, base.id) == ("", "")
