"""Formats and FHIR versions: Content-Type, Accept, `_format` and `fhirVersion`."""

from __future__ import annotations

import pytest

from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.negotiation import (
    FORM,
    PATCH_TYPES,
    MediaType,
    body_type,
    check_version,
    choices,
    fhir_version,
    first_spoken,
    is_xml,
    parse_media_type,
)
from fhir_bridge.outcome import FhirError, Issue

JSON = "application/fhir+json"
XML = "application/fhir+xml"
BOTH: tuple[Version, ...] = ("3.0", "4.0")


def refused(error: pytest.ExceptionInfo[FhirError]) -> tuple[int, Issue]:
    """Return the status and the only issue of an error."""
    (issue,) = error.value.issues
    return error.value.status_code, issue


def test_a_media_type_is_read_in_any_case_and_spacing() -> None:
    assert parse_media_type(' Application/FHIR+json ;Charset=UTF-8; fhirVersion="4.0"') == MediaType(
        JSON, {"charset": "UTF-8", "fhirversion": "4.0"}
    )


@pytest.mark.parametrize(
    ("parameter", "quality"), [("", 1.0), ("; q=0.5", 0.5), ("; q=0", 0.0), ("; q=high", 0.0), ("; Q=0.25", 0.25)]
)
def test_quality_is_one_where_none_is_named_and_none_where_it_is_no_number(parameter: str, quality: float) -> None:
    assert parse_media_type(f"{JSON}{parameter}").quality == quality


def typed(header: str) -> dict[str, str]:
    """Return the headers of a body of this Content-Type."""
    return {"content-type": header}


@pytest.mark.parametrize("headers", [{}, typed("")])
def test_a_body_without_content_type_is_fhirs_json(headers: dict[str, str]) -> None:
    assert body_type(headers, (JSON, XML)) == MediaType(JSON, {})


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"', "us-ascii"])
def test_a_body_is_in_utf_8(charset: str) -> None:
    assert body_type(typed(f"{JSON}; charset={charset}"), (JSON, XML)).name == JSON


def test_it_may_be_of_a_type_that_nobody_is_told_of() -> None:
    assert body_type(typed("text/json"), (JSON, XML), ("text/json",)).name == "text/json"


@pytest.mark.parametrize("header", ["text/plain", f"{JSON}; charset=iso-8859-1", "json", "a/b/c"])
@pytest.mark.parametrize(
    ("named", "listed"),
    [
        ((FORM,), "application/x-www-form-urlencoded"),
        ((JSON, XML), "application/fhir+json or application/fhir+xml"),
    ],
)
def test_another_content_type_is_told_which_are_taken(header: str, named: tuple[str, ...], listed: str) -> None:
    with pytest.raises(FhirError) as error:
        body_type(typed(header), named, ("application/json",))

    text = f"This Content-Type is not taken here; send {listed} in UTF-8."
    assert refused(error) == (
        415,
        Issue("content-type-not-supported", "not-supported", text, "http.Content-Type"),
    )
    assert error.value.headers == {}


def test_that_of_a_patch_is_told_all_patches() -> None:
    with pytest.raises(FhirError) as error:
        body_type(typed("application/xml-patch+xml"), PATCH_TYPES)

    text = (
        "This Content-Type is not taken here; send application/json-patch+json, application/merge-patch+json, "
        "application/fhir+json or application/fhir+xml in UTF-8."
    )
    assert refused(error) == (
        415,
        Issue("content-type-not-supported", "not-supported", text, "http.Content-Type"),
    )
    assert error.value.headers == {
        "Accept-Patch": "application/json-patch+json, application/merge-patch+json, application/fhir+json, "
        "application/fhir+xml"
    }


@pytest.mark.parametrize("coding", ["", "identity", "Identity, identity"])
def test_a_body_may_say_that_it_is_not_compressed(coding: str) -> None:
    assert body_type({"content-encoding": coding}, (JSON, XML)).name == JSON


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_body_that_is_compressed_is_not_taken(coding: str) -> None:
    with pytest.raises(FhirError) as error:
        body_type({"content-encoding": coding}, (JSON, XML))

    text = "A body that is compressed is not taken; send it as it is, without Content-Encoding."
    assert refused(error) == (
        415,
        Issue("content-type-not-supported", "not-supported", text, "http.Content-Encoding"),
    )
    assert error.value.headers == {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/*", "text/json"),
        ("application/json", "application/json"),
        ("text/json", "text/json"),
        ("application/json+fhir", "application/json+fhir"),
        (XML, XML),
        ("application/xml", "application/xml"),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        (f"{XML};q=0.4, {JSON};q=0.6", JSON),
        (f"{XML}, {JSON}", XML),
        (f"{JSON};q=0, {XML};q=0.1", XML),
        ("text/html, , */*;q=0.1", JSON),
        (f"{JSON};q=0, */*", XML),
        ("text/json;q=0, text/*", "text/xml"),
        (f"*/*, {XML}", XML),
    ],
)
def test_the_best_liked_format_is_taken(accept: str | None, name: str) -> None:
    assert choices(accept, None)[0].name == name


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", f"{JSON};q=0", f"{JSON};q=0, {XML};q=0, */*", f"{JSON};q=much"]
)
def test_an_answer_in_another_format_cannot_be_had(accept: str) -> None:
    with pytest.raises(FhirError) as error:
        choices(accept, None)[0]

    text = "The answer can be had as application/fhir+json or application/fhir+xml; ask for one of them."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http.Accept"))


def test_more_than_100_media_types_are_not_looked_at() -> None:
    assert choices(",".join([XML] * 100), None)[0].name == XML

    with pytest.raises(FhirError) as error:
        choices(",".join([XML] * 101), None)

    text = "`Accept` names more than 100 media types; name fewer."
    assert refused(error) == (400, Issue("invalid-header", "value", text, "http.Accept"))


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ("json", JSON),
        ("xml", XML),
        (JSON, JSON),
        ("application/fhir json", JSON),
        ("text/xml", "text/xml"),
        ("application/json", "application/json"),
        (f"{JSON}; fhirVersion=4.0", JSON),
        ("application/fhir xml; fhirVersion=4.0", XML),
    ],
)
def test_format_wins_over_accept_and_may_have_lost_its_plus(format_: str, name: str) -> None:
    assert choices("text/html", format_)[0].name == name


def test_a_blank_format_says_nothing() -> None:
    assert choices(XML, "")[0].name == XML


@pytest.mark.parametrize("format_", ["html", "ttl", "*/*"])
def test_another_format_cannot_be_had(format_: str) -> None:
    with pytest.raises(FhirError) as error:
        choices(JSON, format_)[0]

    text = "The answer can be had as application/fhir+json or application/fhir+xml; ask for one of them."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http._format"))


def test_format_may_name_a_version() -> None:
    assert choices(None, "application/fhir json; fhirVersion=3.0")[0].parameters == {"fhirversion": "3.0"}


def test_all_that_is_accepted_is_had_best_first() -> None:
    accept = f"*/*;q=0.1, {JSON};q=0.5, text/html, {XML};q=0.5"

    assert [choice.name for choice in choices(accept, None)] == [JSON, XML, JSON]


@pytest.mark.parametrize(
    ("accepts", "first"),
    [
        ([f"{JSON}; fhirVersion=5.0", f"{XML}; fhirVersion=4.0"], 1),
        ([f"{JSON}; fhirVersion=5.0", XML], 1),
        ([JSON, f"{XML}; fhirVersion=4.0"], 0),
        ([f"{JSON}; fhirVersion=5.0", f"{XML}; fhirVersion=3.0"], 0),
    ],
)
def test_the_first_that_names_no_other_version_is_taken(accepts: list[str], first: int) -> None:
    """Where there is none, the first says what is wrong."""
    told = [parse_media_type(text) for text in accepts]

    assert first_spoken(told, ("4.0",)) == told[first]


def test_what_the_hub_speaks_a_partner_may_not() -> None:
    check_version("4.0", ("3.0", "4.0"))

    with pytest.raises(FhirError) as error:
        check_version("3.0", ("4.0",))

    text = "What answers this speaks fhirVersion 4.0; ask for that."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http.Accept"))


def test_xml_is_told_from_json() -> None:
    assert [is_xml(name) for name in (XML, "text/xml", JSON, "application/json")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("sent", "asked", "version"),
    [
        (None, JSON, "3.0"),
        (JSON, JSON, "3.0"),
        (f"{JSON}; fhirVersion=4.0", JSON, "4.0"),
        (f"{JSON}; fhirVersion=4.0.1", JSON, "4.0"),
        (f"{JSON}; fhirVersion=3.0.2", JSON, "3.0"),
        (None, f"{JSON}; fhirVersion=4.0", "4.0"),
        (JSON, f"{JSON}; fhirVersion=4.0", "4.0"),
        (f"{JSON}; fhirVersion=4.0.0", f"{JSON}; fhirVersion=4.0", "4.0"),
    ],
)
def test_the_version_is_the_bodys_else_the_one_asked_for_else_the_bases(
    sent: str | None, asked: str, version: str
) -> None:
    content = None if sent is None else parse_media_type(sent)

    assert fhir_version(content, parse_media_type(asked), BOTH) == version


@pytest.mark.parametrize("version", ["5.0", "4.3", "R4", ""])
def test_a_body_in_a_version_that_the_base_does_not_speak_is_refused(version: str) -> None:
    with pytest.raises(FhirError) as error:
        fhir_version(parse_media_type(f"{JSON}; fhirVersion={version}"), MediaType(JSON, {}), BOTH)

    text = "This base speaks fhirVersion 3.0 and 4.0; use that, or leave the parameter out."
    assert refused(error) == (
        415,
        Issue("content-type-not-supported", "not-supported", text, "http.Content-Type"),
    )


def test_an_answer_in_a_version_that_the_base_does_not_speak_cannot_be_had() -> None:
    with pytest.raises(FhirError) as error:
        fhir_version(None, parse_media_type(f"{JSON}; fhirVersion=3.0"), ("4.0",))

    text = "This base speaks fhirVersion 4.0; use that, or leave the parameter out."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http.Accept"))


def test_what_format_asks_for_is_told_of_it() -> None:
    with pytest.raises(FhirError) as error:
        fhir_version(None, parse_media_type(f"{JSON}; fhirVersion=3.0"), ("4.0",), asked_in="http._format")

    text = "This base speaks fhirVersion 4.0; use that, or leave the parameter out."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http._format"))


def test_body_and_answer_have_one_version() -> None:
    with pytest.raises(FhirError) as error:
        fhir_version(parse_media_type(f"{JSON}; fhirVersion=4.0"), parse_media_type(f"{JSON}; fhirVersion=3.0"), BOTH)

    text = "The answer has the FHIR version of the body; ask for the same in Accept and Content-Type."
    assert refused(error) == (406, Issue("not-acceptable", "not-supported", text, "http.Accept"))
