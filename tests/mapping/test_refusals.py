"""What a partner's refusal means in FHIR: the status table of the contract, words, codes, and fields taken home."""

import pytest

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.mapping.refusals import MAX_CODE
from fhir_bridge.outcome import Coding, ErrorCode, FhirError, Issue, IssueCode, Json
from tests.mapping.lab import URL, answer, load

FILE = """\
partner: northlab
title: Northlab
connection: {base_url: $NORTHLAB_URL}
interactions:
  update Patient: {call: "PATCH /clients/{id}", send: {map: client}, receive: {map: client}}
maps:
  client:
    resource: Patient
    slices:
      name[usual]: {use: usual, otherwise: first without use}
      contact[kin]: {relationship: "http://terminology.hl7.org/CodeSystem/v2-0131#N"}
      contact[kin].telecom[phone]: {system: phone}
    rows:
      name[usual].family: {at: surname}
      name[usual].given[0]: {at: first}
      birthDate: {at: born}
      contact[kin].name.family: {at: kin.surname}
      contact[kin].telecom[phone]: {at: kin.phones, each: {value: {at: number}, use: {at: kind}}}
"""
ERRORS = """\
errors:
  text: [error.message, title]
  code: error.type
  list: {at: error.invalid, field: entry, text: "rules[].words", code: "rules[].rule"}
  fields: errors
  codes: {required: required, GONE: deleted}
  says:
    - {text: [is closed, archived], status: [400, 409], answer: 422, code: business-rule}
    - {status: 403, text: bad client, answer: 502, code: login}
    - {text: slow down, code: throttled, answer: 429}
"""
PATIENT = {
    "resourceType": "Patient",
    "name": [{"use": "old", "family": "Byron"}, {"use": "usual", "family": "Lovelace", "given": ["Ada"]}],
    "contact": [
        {"name": {"family": "King"}},
        {
            "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}]}],
            "name": {"family": "Milbanke"},
            "telecom": [
                {"system": "email", "value": "a@b"},
                {"system": "phone", "value": "1"},
                {"system": "phone", "value": "2"},
            ],
        },
    ],
}
REFUSED = "Northlab refused the request."
OUR_CALL = "Northlab did not understand the bridge's call; the mapping file has to be mended."
UNEXPECTED = "Northlab answered with status {}, which is not expected; ask Northlab why."
LATER = "Northlab is not available; send again later."


def refusal(
    response: PartnerResponse, errors: str = ERRORS, *, sent: Json = PATIENT, connection: str = ""
) -> FhirError:
    """Return what the client gets for a partner's answer to an update with PATIENT."""
    text = FILE.replace("_URL}", f"_URL{connection}}}") + errors
    (route,) = load(text, environment={**URL, "NORTHLAB_TOKEN": "abc"}).partners["northlab"].routes
    assert route.call.sender is not None
    return route.call.refusals.error(response, route.call.sender.pairs(sent))


def told(error: FhirError) -> tuple[int, tuple[Issue, ...], dict[str, str]]:
    """The whole of an error, to be compared."""
    return error.status_code, error.issues, error.headers


def coding(code: str) -> Coding:
    return Coding(f"{CANONICAL}/CodeSystem/northlab-error", code)


TABLE: list[tuple[int, int, IssueCode, ErrorCode, str]] = [
    (400, 400, "invalid", "partner-refused", REFUSED),
    (401, 502, "login", "partner-credentials-refused", "Northlab refused the bridge's own credentials."),
    (403, 403, "forbidden", "partner-refused", "Northlab does not allow this."),
    (404, 404, "not-found", "partner-refused", "Northlab does not know this."),
    (405, 502, "exception", "partner-error", OUR_CALL),
    (406, 502, "exception", "partner-error", OUR_CALL),
    (409, 409, "conflict", "partner-refused", REFUSED),
    (410, 410, "deleted", "partner-refused", "Northlab has deleted this."),
    (412, 412, "conflict", "partner-refused", REFUSED),
    (413, 413, "too-long", "partner-refused", "This is more than Northlab takes."),
    (415, 502, "exception", "partner-error", OUR_CALL),
    (422, 422, "business-rule", "partner-refused", REFUSED),
    (429, 429, "throttled", "partner-throttled", "Northlab asks for fewer requests; wait, then send again."),
    (500, 502, "exception", "partner-error", "Northlab failed."),
    (501, 501, "not-supported", "partner-error", "Northlab does not support this."),
    (502, 502, "transient", "partner-error", LATER),
    (503, 503, "transient", "partner-error", LATER),
    (504, 504, "timeout", "partner-too-late", "Northlab did not answer in time; send again later."),
    (
        302,
        502,
        "exception",
        "partner-error",
        UNEXPECTED.format(302),
    ),
    (
        418,
        502,
        "exception",
        "partner-error",
        UNEXPECTED.format(418),
    ),
    (
        599,
        502,
        "exception",
        "partner-error",
        UNEXPECTED.format(599),
    ),
]


@pytest.mark.parametrize(("status", "answered", "code", "error", "text"), TABLE)
@pytest.mark.parametrize("body", [b"", b"  ", b"{}", b"[]", b"null"])
def test_the_status_table_of_the_contract(
    status: int, answered: int, code: IssueCode, error: ErrorCode, text: str, body: bytes
) -> None:
    """An empty body, and one that says nothing, is no problem."""
    words = "[]" if body == b"[]" else "null" if body == b"null" else None

    assert told(refusal(answer(status, body))) == (answered, (Issue(error, code, text, diagnostics=words),), {})


def test_a_forwarded_token_that_is_refused_is_the_clients_own() -> None:
    error = refusal(answer(401), connection=", auth: [{scheme: forward}]")

    text = "Northlab refused the token that you sent."
    assert told(error) == (
        401,
        (Issue("partner-credentials-refused", "login", text),),
        {"WWW-Authenticate": "Bearer"},
    )


def test_a_token_of_the_bridge_that_stands_before_forwarding_is_the_bridges() -> None:
    bearer = "{first_of: [{scheme: bearer, token: $NORTHLAB_TOKEN}, {scheme: forward}]}"

    assert refusal(answer(401), connection=f", auth: [{bearer}]").status_code == 502


@pytest.mark.parametrize(("status", "kept"), [(429, True), (503, True), (500, False), (400, False)])
def test_retry_after_goes_with_what_is_worth_a_retry(status: int, kept: bool) -> None:
    assert refusal(answer(status, retry_after="3")).headers == ({"Retry-After": "3"} if kept else {})


def test_the_partners_words_and_code_stand_beside_ours() -> None:
    error = refusal(answer(400, {"error": {"message": "Bad  request", "type": "request_malformed"}}))

    assert told(error) == (
        400,
        (
            Issue(
                "partner-refused", "invalid", REFUSED, partner=coding("request_malformed"), diagnostics="Bad  request"
            ),
        ),
        {},
    )


def test_the_first_field_that_has_words_is_taken() -> None:
    assert refusal(answer(400, {"error": {"message": ""}, "title": ["a", 7, "b"]})).issues[0].diagnostics == "a b"


@pytest.mark.parametrize(
    ("status", "code", "issue_code"),
    [
        (400, "required", "required"),
        (422, "GONE", "deleted"),
        (422, "other", "business-rule"),
        (403, "required", "forbidden"),
        (404, "required", "not-found"),
    ],
)
def test_the_partners_code_decides_where_the_status_says_little(status: int, code: str, issue_code: IssueCode) -> None:
    (issue,) = refusal(answer(status, {"error": {"type": code}})).issues

    assert (issue.code, issue.partner) == (issue_code, coding(code))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (" Bad \n  Request ", coding("Bad Request")),
        ("x" * 200, coding("x" * MAX_CODE)),
        ("", None),
        ("<html>", None),
        ("\x00", None),
        (400, None),
        (["a", "b"], coding("a")),
    ],
)
def test_a_code_is_written_as_fhir_writes_codes(typed: Json, code: Coding | None) -> None:
    assert refusal(answer(400, {"error": {"type": typed}})).issues[0].partner == code


@pytest.mark.parametrize(
    ("status", "words", "answered", "code"),
    [
        (400, "This client IS CLOSED since May", 422, "business-rule"),
        (409, "archived", 422, "business-rule"),
        (500, "archived", 502, "exception"),
        (400, "open", 400, "invalid"),
        (503, "please slow down", 429, "throttled"),
    ],
)
def test_words_may_mean_more_than_the_status(status: int, words: str, answered: int, code: IssueCode) -> None:
    error = refusal(answer(status, {"error": {"message": words}}))

    assert (error.status_code, error.issues[0].code) == (answered, code)


def test_words_anywhere_in_the_error_count() -> None:
    body = {"error": {"invalid": [{"entry": "$.surname", "rules": [{"words": "the record is closed"}]}]}}

    assert refusal(answer(400, body)).status_code == 422


def test_a_refused_client_id_of_the_bridge_is_no_matter_of_the_clients() -> None:
    assert told(refusal(answer(403, b"bad client id"))) == (
        502,
        (
            Issue(
                "partner-credentials-refused",
                "login",
                "Northlab refused the bridge's own credentials.",
                diagnostics="bad client id",
            ),
        ),
        {},
    )


@pytest.mark.parametrize(
    ("spelled", "element"),
    [
        ("$.born", "Patient.birthDate"),
        ("born", "Patient.birthDate"),
        ("/born", "Patient.birthDate"),
        ("#/born", "Patient.birthDate"),
        ("$['born']", "Patient.birthDate"),
        ("Born", "Patient.birthDate"),
        ("$.surname", "Patient.name[1].family"),
        ("$.first", "Patient.name[1].given[0]"),
        ("$.kin.surname", "Patient.contact[1].name.family"),
        ("$.kin.phones", "Patient.contact[1].telecom"),
        ("$.kin.phones.[0]", "Patient.contact[1].telecom[1]"),
        ("$.kin.phones.[0].number", "Patient.contact[1].telecom[1].value"),
        ("kin.phones[1].kind", "Patient.contact[1].telecom[2].use"),
        ("/kin/phones/1/number", "Patient.contact[1].telecom[2].value"),
        ("kin.phones[0].number.length", "Patient.contact[1].telecom[1].value"),
        ("kin.phones[7].number", "Patient.contact[1].telecom"),
        ("kin", "Patient.contact[1]"),
        ("kin.age", None),
        ("shoe_size", None),
        ("", None),
        ("$", None),
    ],
)
def test_a_field_is_taken_back_to_the_element_that_was_sent(spelled: str, element: str | None) -> None:
    """The row of just this field; else the nearest around it; else what the rows below it have in common."""
    body = {"error": {"invalid": [{"entry": spelled, "rules": [{"words": "wrong"}]}]}}

    (issue,) = refusal(answer(422, body)).issues

    assert (issue.expression, issue.diagnostics) == (element, "wrong")


@pytest.mark.parametrize(
    ("field", "element"),
    [
        ("surname", "Patient.name.family"),
        ("kin", "Patient.contact"),
        ("kin.phones[0].number", "Patient.contact.telecom"),
    ],
)
def test_a_field_that_was_not_sent_is_placed_where_its_element_would_stand(field: str, element: str) -> None:
    body = {"errors": {field: ["is missing"]}}

    (issue,) = refusal(answer(400, body), sent={"resourceType": "Patient", "birthDate": "1815-12-10"}).issues

    assert issue.expression == element


def test_each_complaint_is_an_issue_of_its_own() -> None:
    body = {
        "error": {
            "type": "validation_failed",
            "message": "Validation failed.",
            "invalid": [
                {
                    "entry": "$.born",
                    "rules": [{"rule": "required", "words": "is missing"}, {"rule": "b", "words": "or wrong"}],
                },
                {"entry": "$.kin.phones.[1].kind", "rules": [{"rule": "inclusion"}]},
                {"rules": []},
                "odd",
            ],
        }
    }

    assert told(refusal(answer(422, body))) == (
        422,
        (
            Issue(
                "partner-refused",
                "required",
                "Northlab refused its field `born`.",
                "Patient.birthDate",
                partner=coding("required"),
                diagnostics="is missing; or wrong",
            ),
            Issue(
                "partner-refused",
                "business-rule",
                "Northlab refused its field `kin.phones[1].kind`.",
                "Patient.contact[1].telecom[2].use",
                partner=coding("inclusion"),
                diagnostics="Validation failed.",
            ),
            Issue(
                "partner-refused",
                "business-rule",
                REFUSED,
                None,
                "error",
                coding("validation_failed"),
                "Validation failed.",
            ),
            Issue("partner-refused", "business-rule", REFUSED, None, "error", coding("validation_failed"), "odd"),
        ),
        {},
    )


def test_an_object_of_fields_is_read_too() -> None:
    body = {"title": "Not valid", "errors": {"$.born": ["a", 7, "b"], "kin": "c", "": {}}}

    assert told(refusal(answer(400, body))) == (
        400,
        (
            Issue(
                "partner-refused",
                "invalid",
                "Northlab refused its field `born`.",
                "Patient.birthDate",
                diagnostics="a; b",
            ),
            Issue(
                "partner-refused", "invalid", "Northlab refused its field `kin`.", "Patient.contact[1]", diagnostics="c"
            ),
            Issue("partner-refused", "invalid", REFUSED, diagnostics="Not valid"),
        ),
        {},
    )


def test_a_field_is_named_only_where_it_is_the_fields_fault() -> None:
    (issue,) = refusal(answer(403, {"errors": {"born": ["not yours"]}})).issues

    assert (issue.text, issue.expression) == ("Northlab does not allow this.", "Patient.birthDate")


@pytest.mark.parametrize("odd", [{"error": {"invalid": {}}}, {"error": []}, {"errors": [7]}, {"error": {"invalid": 7}}])
def test_errors_of_another_shape_leave_the_status(odd: Json) -> None:
    assert told(refusal(answer(400, odd))) == (400, (Issue("partner-refused", "invalid", REFUSED),), {})


def test_what_a_partner_spells_does_no_harm_in_our_text() -> None:
    (issue,) = refusal(answer(400, {"errors": {"<img src=x>\x1b[31m²": ["no"]}})).issues

    assert issue.text == "Northlab refused its field `img.src.x.31m²`."


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"No such client.", "No such client."),
        ("Немає.\r\n\tКінець\x00\x1b[0m\u0085.".encode(), "Немає. Кінець [0m ."),
        (b"<html><body>Secret at 10.0.0.7</body></html>", None),
        (b" <!DOCTYPE html><HTML>", None),
        (b"Error: <html>", None),
        (b"x" * 3000, "x" * 1000),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"error": {"message": ', '{"error": {"message":'),
        (b'"a text"', '"a text"'),
    ],
)
def test_the_partners_own_words_are_one_line_of_a_thousand_characters_and_no_html(
    body: bytes, words: str | None
) -> None:
    assert refusal(answer(400, body)).issues[0].diagnostics == words


def test_words_in_json_are_held_to_the_same() -> None:
    error = refusal(answer(400, {"error": {"message": "<p>no</p>"}, "errors": {"born": ["a\x00b" + "c" * 2000]}}))

    assert error.issues[0].diagnostics == "a b" + "c" * 997


OUTCOME = "errors: {operation_outcome: true}\n"


def outcome(*issues: Json) -> Json:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def test_an_outcome_of_the_partner_is_passed_on_issue_by_issue() -> None:
    body = outcome(
        {
            "severity": "error",
            "code": "required",
            "diagnostics": "name is missing",
            "expression": ["Bundle.entry[0].resource.name"],
        },
        {
            "severity": "error",
            "code": "value",
            "details": {"text": "bad date"},
            "location": ["/f:Patient/f:birthDate", "Patient.birthDate"],
        },
        {"severity": "error", "code": "not-a-code", "expression": ["<script>"]},
        "odd",
    )

    assert told(refusal(answer(400, body), OUTCOME)) == (
        400,
        (
            Issue(
                "partner-refused",
                "required",
                REFUSED,
                "Bundle.entry[0].resource.name",
                partner=coding("required"),
                diagnostics="name is missing",
            ),
            Issue(
                "partner-refused",
                "value",
                REFUSED,
                "Patient.birthDate",
                partner=coding("value"),
                diagnostics="bad date",
            ),
            Issue("partner-refused", "invalid", REFUSED, partner=coding("not-a-code")),
            Issue("partner-refused", "invalid", REFUSED),
        ),
        {},
    )


def test_an_outcome_does_not_change_what_the_status_says_for_sure() -> None:
    (issue,) = refusal(answer(404, outcome({"code": "value"})), OUTCOME).issues

    assert (issue.code, issue.partner) == ("not-found", coding("value"))


@pytest.mark.parametrize("body", [{"issue": {}}, {"issue": []}, {}])
def test_an_outcome_without_issues_leaves_the_status(body: Json) -> None:
    assert told(refusal(answer(500, body), OUTCOME)) == (
        502,
        (Issue("partner-error", "exception", "Northlab failed."),),
        {},
    )


def test_without_any_line_about_errors_the_status_alone_counts_and_the_words_are_told() -> None:
    assert told(refusal(answer(409, {"error": {"message": "is closed"}}), "")) == (
        409,
        (Issue("partner-refused", "conflict", REFUSED, diagnostics="is closed"),),
        {},
    )


@pytest.mark.parametrize(
    ("errors", "body", "words"),
    [
        ("text: message", {"error": "is closed", "missing": ["dob", "sex"]}, "is closed; dob; sex"),
        ("list: {at: missing}", {"error": "is needed", "missing": ["dob"]}, "dob"),
        ("list: {at: missing}", {"missing": [{"name": "dob", "why": {"text": "is needed"}}]}, "dob; is needed"),
        ("list: {at: missing, text: words}", {"missing": [{"why": "is needed"}]}, "is needed"),
        ("{text: error, list: {at: missing, field: name}}", {"error": "no", "missing": [{"name": "dob"}]}, "dob"),
        ("{text: error, list: {at: wrong, text: words}}", {"error": "no", "wrong": [{"at": "dob"}]}, "no"),
        ("list: {at: wrong}", {"wrong": {"dob": "is needed"}}, "is needed"),
        ("fields: wrong", {"wrong": {"dob": [{"code": "E1", "message": "is needed"}]}}, "E1; is needed"),
        ("fields: wrong", {"wrong": [{"dob": "is needed"}]}, "is needed"),
        ("operation_outcome: true", {"error": "is closed"}, "is closed"),
    ],
)
def test_a_partners_words_are_told_whatever_the_shape_that_they_come_in(errors: str, body: Json, words: str) -> None:
    said = errors if errors.startswith("{") else f"{{{errors}}}"

    assert [issue.diagnostics for issue in refusal(answer(400, body), f"errors: {said}\n").issues] == [words]


def test_what_words_mean_is_found_in_any_shape() -> None:
    errors = "errors: {says: [{text: is closed, status: 400, answer: 422, code: business-rule}]}\n"

    assert told(refusal(answer(400, {"fault": [{"why": "Is closed."}]}), errors)) == (
        422,
        (Issue("partner-refused", "business-rule", REFUSED, diagnostics="Is closed."),),
        {},
    )


@pytest.mark.parametrize(
    ("body", "issues"),
    [
        ({"title": "More is needed.", "errors": ["born", "sex"]},
         [("Northlab refused its field `born`.", "Patient.birthDate", "More is needed."),
          ("Northlab refused its field `sex`.", None, "More is needed.")]),
        ({"title": "Bad.", "errors": "No room."}, [("Northlab refused the request.", None, "No room.")]),
        ({"title": "Bad.", "errors": [{"a": "No room."}, 1]}, [("Northlab refused the request.", None, "No room.")]),
        ({"title": "Bad.", "error": {"invalid": {"entry": "$.born", "rules": [{"words": "Too old."}]}}},
         [("Northlab refused its field `born`.", "Patient.birthDate", "Too old.")]),
        ({"title": "Bad.", "error": {"invalid": "Too old."}},
         [("Northlab refused the request.", None, "Too old.")]),
    ],
)  # fmt: skip
def test_a_complaint_of_another_shape_keeps_its_words(body: Json, issues: list[tuple[str, str | None, str]]) -> None:
    error = refusal(answer(400, body))

    assert [(issue.text, issue.expression, issue.diagnostics) for issue in error.issues] == issues
