"""Section 3 of the contract: whatever a partner does, the client reads what became of the call."""

import gzip

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from fhir_bridge.mapping.routes import Routes
from fhir_bridge.outcome import IssueCode, Json
from fhir_bridge.sandbox import ehealth
from tests.outcomes import issue, outcome, parameters
from tests.server.roche_sample import REQUEST
from tests.serving import READY, Canned, serving, shipped, simulated

EHEALTH = "eHealth Ukraine"
pytestmark = pytest.mark.anyio

ID = "7c3da506-804d-4550-8993-bf17f9ee0402"
READ = ("GET", f"/fhir/ehealth/Patient/{ID}", None)
UPDATE = ("PUT", f"/fhir/ehealth/Patient/{ID}", {"resourceType": "Patient", "id": ID, "gender": "male"})
DIED = ("PUT", f"/fhir/ehealth/Patient/{ID}", {"resourceType": "Patient", "id": ID, "deceasedDateTime": "2018-11-11"})
RETRIEVAL = ("POST", "/fhir/healthex/Patient/17d4513f-73e8/$update-data", None)
STATUS = (
    "POST",
    "/fhir/wmda/Patient/123456/$update-search-status",
    parameters({"name": "status", "valueCode": "SUS"}),
)
RECORD = {"id": ID, "status": "ACTIVE", "updated_at": "2017-04-20T19:14:13Z"}


async def call(client: httpx.AsyncClient, request: tuple[str, str, Json]) -> httpx.Response:
    method, url, body = request
    return await client.request(method, url, **({} if body is None else {"json": body}))


REFUSED = "eHealth Ukraine refused the request."
OUR_CALL = "eHealth Ukraine did not understand the bridge's call; the mapping file has to be mended."
AWAY = "eHealth Ukraine is not available; send again later."
TABLE: dict[int, tuple[int, IssueCode, str, str]] = {
    400: (400, "invalid", "partner-refused", REFUSED),
    401: (502, "login", "partner-credentials-refused", "eHealth Ukraine refused the bridge's own credentials."),
    403: (403, "forbidden", "partner-refused", "eHealth Ukraine does not allow this."),
    404: (404, "not-found", "partner-refused", "eHealth Ukraine does not know this."),
    405: (502, "exception", "partner-error", OUR_CALL),
    406: (502, "exception", "partner-error", OUR_CALL),
    409: (409, "conflict", "partner-refused", REFUSED),
    410: (410, "deleted", "partner-refused", "eHealth Ukraine has deleted this."),
    412: (412, "conflict", "partner-refused", REFUSED),
    413: (413, "too-long", "partner-refused", "This is more than eHealth Ukraine takes."),
    415: (502, "exception", "partner-error", OUR_CALL),
    418: (
        502,
        "exception",
        "partner-error",
        f"{EHEALTH} answered with status 418, which is not expected; ask {EHEALTH} why.",
    ),
    422: (422, "business-rule", "partner-refused", REFUSED),
    429: (
        429,
        "throttled",
        "partner-throttled",
        "eHealth Ukraine asks for fewer requests; wait, then send again.",
    ),
    500: (502, "exception", "partner-error", "eHealth Ukraine failed."),
    501: (501, "not-supported", "partner-error", "eHealth Ukraine does not support this."),
    502: (502, "transient", "partner-error", AWAY),
    503: (503, "transient", "partner-error", AWAY),
    504: (504, "timeout", "partner-too-late", "eHealth Ukraine did not answer in time; send again later."),
}
"""The contract's table: the partner's status, then the client's, the issue type, our code and our text."""


@pytest.mark.parametrize("partner_status", TABLE)
@pytest.mark.parametrize("request_", [READ, UPDATE], ids=["read", "update"])
async def test_every_status_of_the_table(
    canned: httpx.AsyncClient, partner: Canned, partner_status: int, request_: tuple[str, str, Json]
) -> None:
    """With the partner's own code and words beside ours."""
    status, code, error, text = TABLE[partner_status]
    partner.answer(partner_status, {"error": {"type": "their_code", "message": "Their words."}})

    response = await call(canned, request_)

    assert response.status_code == status
    assert response.json() == outcome(
        issue(error, code, text, partner=("ehealth", "their_code"), diagnostics="Their words.")  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("partner_status", TABLE)
async def test_every_status_without_a_body(canned: httpx.AsyncClient, partner: Canned, partner_status: int) -> None:
    """Nothing is made up for what the partner did not say."""
    status, code, error, text = TABLE[partner_status]
    partner.answer(partner_status)

    response = await call(canned, UPDATE)

    assert (response.status_code, response.json()) == (status, outcome(issue(error, code, text)))  # type: ignore[arg-type]


@pytest.mark.parametrize("body", ["<html><body>Error</body></html>", "  <!DOCTYPE html><p>x", "oops <HTML>"])
async def test_of_a_page_for_a_browser_nothing_is_shown(canned: httpx.AsyncClient, partner: Canned, body: str) -> None:
    """It may hold anything."""
    partner.answer(500, text=body)

    response = await call(canned, READ)

    assert response.json() == outcome(issue("partner-error", "exception", "eHealth Ukraine failed."))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("two\r\nlines\tand\x00 more", "two lines and  more"),
        ("x" * 1001, "x" * 1000),
        ("ґудзик", "ґудзик"),
    ],
)
async def test_the_partners_words_are_one_short_line(
    canned: httpx.AsyncClient, partner: Canned, words: str, shown: str
) -> None:
    """At most 1,000 characters, and none that controls anything."""
    partner.answer(409, {"error": {"message": words}})

    response = await call(canned, UPDATE)

    assert response.json() == outcome(issue("partner-refused", "conflict", REFUSED, diagnostics=shown))


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "7", "{", '{"error": 5}', '{"error": {"invalid": [null, 3]}}'])
async def test_an_error_of_an_odd_shape_keeps_its_status(canned: httpx.AsyncClient, partner: Canned, body: str) -> None:
    """Its body never hides what the status says."""
    partner.answer(422, text=body)

    response = await call(canned, UPDATE)

    (told,) = response.json()["issue"] if "invalid" not in body else response.json()["issue"][:1]
    assert response.status_code == 422
    assert (told["code"], told["details"]["text"]) == ("business-rule", REFUSED)


@pytest.mark.parametrize(
    "retry_after",
    [
        *("86401", "99999999999999999999", "-1", "1.5", "+5", "5, 6", "soon", "Fri, 31 Dec 2100 00:00:00 GMT"),
        *("Tue, 01 Jan 2019 00:00:00 GMT", "Mon, 01 Jan 99999 00:00:00 GMT"),
    ],
)
async def test_a_retry_after_of_no_use_is_left_out(
    canned: httpx.AsyncClient, partner: Canned, retry_after: str
) -> None:
    """Beyond a day, in the past, or neither seconds nor a date."""
    partner.answer(429, Retry_After=retry_after)

    response = await call(canned, UPDATE)

    assert (response.status_code, "retry-after" in response.headers) == (429, False)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_passed_on(canned: httpx.AsyncClient, partner: Canned, status: int) -> None:
    """As the partner said it."""
    partner.answer(status, retry_after="120")

    response = await call(canned, RETRIEVAL)

    assert (response.status_code, response.headers["retry-after"]) == (status, "120")


async def test_a_token_of_our_own_that_is_refused_is_no_fault_of_the_client(
    canned: httpx.AsyncClient, partner: Canned
) -> None:
    """502 and no WWW-Authenticate: the client has nothing to log in with."""
    partner.answer(401)

    response = await call(canned, UPDATE)

    assert response.status_code == 502
    assert "www-authenticate" not in response.headers


@pytest.fixture(scope="session")
def forwarding_routes() -> Routes:
    """The bridge without a token of its own for the partner whose tokens belong to a user."""
    return shipped({name: value for name, value in READY.items() if name != "EHEALTH_ACCESS_TOKEN"})


async def test_the_clients_own_token_is_forwarded(forwarding_routes: Routes, partner: Canned) -> None:
    """Where the bridge has none."""
    partner.answer(200, {"data": RECORD})

    async with serving(forwarding_routes, partner.everywhere()) as client:
        response = await client.get(READ[1], headers={"Authorization": "Bearer of-the-user"})

    assert response.status_code == 200
    assert [request.headers["authorization"] for request in partner.requests] == ["Bearer of-the-user"]


async def test_a_forwarded_token_that_is_refused_is_the_clients(forwarding_routes: Routes) -> None:
    """401, and how to log in."""
    async with serving(forwarding_routes, simulated()) as client:
        response = await client.get(READ[1], headers={"Authorization": "Bearer token-expired"})

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json() == outcome(
        issue(
            "partner-credentials-refused",
            "login",
            "eHealth Ukraine refused the token that you sent.",
            partner=("ehealth", "access_denied"),
            diagnostics="Access token validation failed",
        )
    )


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic dXNlcjpwdw=="}])
async def test_without_any_token_no_call_is_made(
    forwarding_routes: Routes, partner: Canned, headers: dict[str, str]
) -> None:
    """No other scheme is passed on."""
    async with serving(forwarding_routes, partner.everywhere()) as client:
        response = await client.get(READ[1], headers=headers)

    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert partner.calls() == []
    assert response.json() == outcome(
        issue(
            "login-required",
            "login",
            "The partner ehealth asks for the caller's own token: send it as 'Authorization: Bearer ' and the token.",
        )
    )


@pytest.mark.parametrize(
    ("token", "status", "told"),
    [
        (
            "token-read-only",
            403,
            issue(
                "partner-refused",
                "forbidden",
                "eHealth Ukraine does not allow this.",
                partner=("ehealth", "forbidden"),
                diagnostics="Invalid scope(s)",
            ),
        ),
        (
            "token-wrong-role",
            403,
            issue(
                "partner-refused",
                "forbidden",
                "eHealth Ukraine does not allow this.",
                partner=("ehealth", "forbidden"),
                diagnostics="Invalid scope(s)",
            ),
        ),
        (
            "token-suspended-legal-entity",
            409,
            issue(
                "partner-refused",
                "business-rule",
                REFUSED,
                partner=("ehealth", "request_conflict"),
                diagnostics="Legal entity must be ACTIVE",
            ),
        ),
    ],
)
@pytest.mark.parametrize("number", [1, 404])
async def test_the_partners_order_of_checks_shows_through(
    forwarding_routes: Routes, token: str, status: int, told: Json, number: int
) -> None:
    """403 and 409 come before 404 and 422: neither an unknown id nor an inactive record is given away."""
    id_ = f"00000000-0000-4000-8000-{number:012d}"
    async with serving(forwarding_routes, simulated()) as client:
        response = await client.put(
            f"/fhir/ehealth/Patient/{id_}",
            json={"resourceType": "Patient", "id": id_, "gender": "male"},
            headers={"Authorization": f"Bearer {token}"},
        )

    assert (response.status_code, response.json()) == (status, outcome(told))


def unreadable(title: str, status: int, why: str, *, accepted: bool) -> Json:
    """Return the outcome for an answer that cannot be read, after a write or after a read."""
    what = f"accepted the call (status {status})," if accepted else f"answered with status {status},"
    return outcome(
        issue("partner-answer-unreadable", "exception", f"{title} {what} but its answer cannot be read: {why}")
    )


PAGE = "it is no JSON: The body is not JSON: a value is expected, at line 1, column 1."
LIES = {
    "a page": ("<html>Please sign in</html>", PAGE),
    "text": ("OK", PAGE),
    "half an answer": (
        '{"data": {"id": "7c3d',
        "it is no JSON: The body is not JSON: a string has no closing quote, at line 1, column 17.",
    ),
    "nothing": ("", "it is empty."),
    "white space": (" \r\n", "it is empty."),
    "a list": ("[]", "an object is expected here."),
    "null": ("null", "an object is expected here."),
    "no data": ("{}", "an object is expected here."),
    "data that is null": ('{"data": null}', "an object is expected here."),
    "data that is a list": ('{"data": []}', "an object is expected here."),
    "data with nothing in it": ('{"data": {}}', "an object is expected here."),
    "no id": ('{"data": {"status": "ACTIVE"}}', "`id`: it is missing."),
    "an id that is null": ('{"data": {"id": null}}', "`id`: it is missing."),
    "an id that is a number": ('{"data": {"id": 7}}', "`id`: text is expected here."),
    "a name that is an object": (
        f'{{"data": {{"id": "{ID}", "last_name": {{"uk": "Іванов"}}}}}}',
        "`last_name`: text is expected here.",
    ),
    "phones that are no list": (
        f'{{"data": {{"id": "{ID}", "emergency_contact": {{"phones": {{"number": "1"}}}}}}}}',
        "`emergency_contact.phones`: a list is expected here.",
    ),
    "a date that is none": (
        f'{{"data": {{"id": "{ID}", "birth_date": "01.01.1980"}}}}',
        "`birth_date`: a full date is needed here: YYYY-MM-DD.",
    ),
    "somebody else": (
        '{"data": {"id": "00000000-0000-4000-8000-000000000001"}}',
        "it is the record of another id than the one that was asked for.",
    ),
    "a key twice": (
        f'{{"data": {{"id": "{ID}", "id": "x"}}}}',
        "it is no JSON: The key `id` occurs more than once in one object; keep one.",
    ),
    "JSON 100,000 deep": (
        '{"data":' * 100_000,
        "it is no JSON: The body is nested more than 64 levels deep.",
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_answer_of_the_wrong_shape_to_a_read(canned: httpx.AsyncClient, partner: Canned, lie: str) -> None:
    """502: never a Patient with something missing or wrong in it."""
    text, why = LIES[lie]
    partner.answer(200, text=text)

    response = await call(canned, READ)

    assert response.status_code == 502
    assert response.json() == unreadable("eHealth Ukraine", 200, why, accepted=False)


@pytest.mark.parametrize("lie", LIES)
async def test_an_answer_of_the_wrong_shape_to_a_write(canned: httpx.AsyncClient, partner: Canned, lie: str) -> None:
    """The client must not think that nothing happened: the partner accepted the call."""
    text, why = LIES[lie]
    partner.answer(202, text=text)

    response = await call(canned, UPDATE)

    assert len(partner.calls()) == 1
    assert response.status_code == 502
    assert response.json() == unreadable("eHealth Ukraine", 202, why, accepted=True)


@pytest.mark.parametrize(
    ("request_", "title", "body", "why"),
    [
        (RETRIEVAL, "HealthEx", {}, "`message`: it is missing."),
        (RETRIEVAL, "HealthEx", {"message": 7}, "`message`: text is expected here."),
        (
            RETRIEVAL,
            "HealthEx",
            {"message": "IN_PROGRESS_NO_ACTION_NEEDED", "counts": {"skippedNewFacilities": "one"}},
            "`counts.skippedNewFacilities`: a whole number is expected here.",
        ),
        (STATUS, "WMDA Search & Match", {"wmdaId": 123456}, "`status`: it is missing."),
        (
            STATUS,
            "WMDA Search & Match",
            {"wmdaId": 999999, "status": "SUS"},
            "it is the record of another id than the one that was asked for.",
        ),
        (STATUS, "WMDA Search & Match", {"wmdaId": "x", "status": "SUS"}, "`wmdaId`: a whole number is expected here."),
    ],
)
async def test_an_answer_of_the_wrong_shape_to_an_operation(
    canned: httpx.AsyncClient, partner: Canned, request_: tuple[str, str, Json], title: str, body: Json, why: str
) -> None:
    """One call, one answer, and the text says that the call was accepted."""
    partner.answer(201, body)

    response = await call(canned, request_)

    assert len(partner.calls()) == 1
    assert response.status_code == 502
    assert response.json() == unreadable(title, 201, why, accepted=True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<html></html>", PAGE),
        ('{"resourceType": "Patient"}', "a Bundle is expected here."),
        ("[]", "a Bundle is expected here."),
    ],
)
async def test_an_answer_to_a_message_that_is_none(
    canned: httpx.AsyncClient, partner: Canned, body: str, why: str
) -> None:
    """What passes through is still looked at."""
    partner.answer(200, text=body)

    response = await canned.put(
        "/fhir/roche/Bundle/Bj6.1Lq-hvb-28", content=REQUEST, headers={"Content-Type": "application/fhir+json"}
    )

    assert response.status_code == 502
    assert response.json() == unreadable("Roche Diabetes Care", 200, why, accepted=True)


async def test_codes_that_are_not_known_are_passed_on(canned: httpx.AsyncClient, partner: Canned) -> None:
    """`message` and the reason may grow; the text says that nobody here knows them."""
    partner.answer(200, {"message": "QUEUED", "patientActionNeededReason": "LOST"})

    response = await call(canned, RETRIEVAL)

    assert response.status_code == 200
    assert response.json() == parameters(
        {"name": "message", "valueCode": "QUEUED"},
        {"name": "patientActionNeededReason", "valueCode": "LOST"},
        {
            "name": "outcome",
            "resource": outcome(
                issue(
                    "done",
                    "business-rule",
                    "HealthEx answered with a message that is not known here; ask HealthEx what it means.",
                    severity="warning",
                )
            ),
        },
    )


async def test_null_and_empty_are_absent(canned: httpx.AsyncClient, partner: Canned) -> None:
    """null, "", [] and {} all mean that there is nothing."""
    empty: Json = {
        "last_name": "",
        "first_name": None,
        "emergency_contact": {"phones": []},
        "birth_date": None,
        "note": "",
    }
    partner.answer(200, {"data": {"id": ID, **empty}, "meta": {"code": 200}})

    response = await call(canned, READ)

    assert (response.status_code, response.json()) == (200, {"resourceType": "Patient", "id": ID})


NOT_RECEIVED = "It has not received the call."
MAY_HAVE_READ = "It may have received the call, which changes nothing."
BEFORE = "before anything else is sent."
MAY_HAVE_DONE = "It may have received the call and carried it out."
REFUSED_CONNECTION = "The partner {} cannot be reached: no connection could be made."
NO_CONNECTION = "The partner {} cannot be reached: there was no connection within 3 s."
SILENT = "The partner {} did not answer in time: nothing came from it for {} s."
BROKEN = "The partner {} broke off the connection before its answer was complete, or did not speak HTTP."


@pytest.mark.parametrize(
    ("request_", "name", "tries"),
    [
        (READ, "ehealth", 3),
        (UPDATE, "ehealth", 3),
        (DIED, "ehealth", 3),
        (RETRIEVAL, "healthex", 3),
        (STATUS, "wmda", 3),
    ],
    ids=["read", "update", "a death", "a retrieval", "a status"],
)
@pytest.mark.parametrize(
    ("error", "text"),
    [(httpx.ConnectError("refused"), REFUSED_CONNECTION), (httpx.ConnectTimeout("slow"), NO_CONNECTION)],
)
async def test_a_partner_that_is_down(
    canned: httpx.AsyncClient,
    partner: Canned,
    request_: tuple[str, str, Json],
    name: str,
    tries: int,
    error: Exception,
    text: str,
) -> None:
    """503; a call that cannot have left may be tried again, whatever it does."""
    partner.fail(error)

    response = await call(canned, request_)

    assert len(partner.calls()) == tries
    assert response.status_code == 503
    assert response.json() == outcome(issue("partner-unreachable", "transient", f"{text.format(name)} {NOT_RECEIVED}"))


@pytest.mark.parametrize(
    ("request_", "name", "read_s", "tries", "fate"),
    [
        (READ, "ehealth", 10, 3, MAY_HAVE_READ),
        (UPDATE, "ehealth", 10, 3, MAY_HAVE_DONE),
        (DIED, "ehealth", 10, 1, f"{MAY_HAVE_DONE} Read the Patient to find out, before anything else is sent."),
        (RETRIEVAL, "healthex", 30, 1, f"{MAY_HAVE_DONE} No read or search here tells; ask HealthEx {BEFORE}"),
        (STATUS, "wmda", 20, 3, MAY_HAVE_DONE),
    ],
    ids=["read", "update", "a death", "a retrieval", "a status"],
)
@pytest.mark.parametrize("how", ["silent", "broken"])
async def test_a_partner_that_does_not_answer(
    canned: httpx.AsyncClient,
    partner: Canned,
    request_: tuple[str, str, Json],
    name: str,
    read_s: int,
    tries: int,
    fate: str,
    how: str,
) -> None:
    """Only what means the same a second time is sent again; the text says what may have become of the call."""
    partner.fail(httpx.ReadTimeout("slow") if how == "silent" else httpx.ReadError("reset"))

    response = await call(canned, request_)

    assert len(partner.calls()) == tries
    if how == "silent":
        code = "partner-too-late" if tries > 1 else "fate-unknown"
        told = issue(code, "timeout", f"{SILENT.format(name, read_s)} {fate}")
        assert (response.status_code, response.json()) == (504, outcome(told))
    else:
        code = "partner-unreachable" if tries > 1 else "fate-unknown"
        told = issue(code, "transient", f"{BROKEN.format(name)} {fate}")
        assert (response.status_code, response.json()) == (502, outcome(told))


async def test_a_repeat_that_succeeds_is_a_success(canned: httpx.AsyncClient, partner: Canned) -> None:
    """The client sees nothing of the first try."""
    partner.fail(httpx.ReadError("reset"))
    partner.answer(200, {"data": RECORD})

    response = await call(canned, UPDATE)

    assert (response.status_code, len(partner.calls())) == (200, 2)
    assert response.json()["id"] == ID


@pytest.fixture
def slow_ehealth() -> Starlette:
    """The simulated partner, whose late record takes as long as a client waits."""
    return ehealth.create_app(sleep=anyio.sleep)


@pytest.mark.parametrize(("method", "fate"), [("GET", MAY_HAVE_READ), ("PUT", MAY_HAVE_DONE)])
async def test_the_time_limit_of_the_whole_call(
    routes: Routes, slow_ehealth: Starlette, method: str, fate: str
) -> None:
    """A partner that would answer after 20 s, and a client that is told before."""
    id_ = "00000000-0000-4000-8000-000000000504"
    body: Json = {"resourceType": "Patient", "id": id_, "gender": "male"} if method == "PUT" else None
    async with serving(routes, simulated(ehealth=slow_ehealth), whole_s=0.05) as client:
        response = await call(client, (method, f"/fhir/ehealth/Patient/{id_}", body))

    text = f"The partner ehealth did not answer in time: the whole call may take 0.05 s. {fate}"
    assert response.status_code == 504
    assert response.json() == outcome(issue("partner-too-late", "timeout", text))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(canned: httpx.AsyncClient, partner: Canned, status: int) -> None:
    """It would take a patient's data, and our credentials, elsewhere."""
    partner.answer(status, location="https://elsewhere.example/")

    response = await call(canned, UPDATE)

    assert len(partner.calls()) == 1
    assert response.status_code == 502
    assert response.json() == outcome(
        issue(
            "partner-answer-unreadable",
            "exception",
            f"The partner ehealth answered with a redirect ({status}), which is not followed; check its URL. "
            f"{MAY_HAVE_DONE}",
        )
    )


@pytest.mark.parametrize("zipped", [False, True])
async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    canned: httpx.AsyncClient, partner: Canned, zipped: bool
) -> None:
    """A megabyte is more than a record has; a small gzip of a large answer is no way around it."""
    text = b'{"data": {"note": "' + b"x" * 1_000_000 + b'"}}'
    partner.answer(
        200, text=gzip.compress(text) if zipped else text, **({"content_encoding": "gzip"} if zipped else {})
    )

    response = await call(canned, UPDATE)

    assert response.status_code == 502
    assert response.json() == outcome(
        issue(
            "partner-answer-unreadable",
            "exception",
            "The answer of the partner ehealth cannot be read: it is larger than 1000000 bytes. "
            "It accepted the call, with status 200, and may have carried it out.",
        )
    )


@pytest.mark.parametrize(
    ("number", "status", "told"),
    [
        (
            401,
            502,
            issue(
                "partner-credentials-refused",
                "login",
                "eHealth Ukraine refused the bridge's own credentials.",
                partner=("ehealth", "access_denied"),
                diagnostics="Access token validation failed",
            ),
        ),
        (
            403,
            403,
            issue(
                "partner-refused",
                "forbidden",
                "eHealth Ukraine does not allow this.",
                partner=("ehealth", "forbidden"),
                diagnostics="Invalid scope(s)",
            ),
        ),
        (
            404,
            404,
            issue(
                "partner-refused",
                "not-found",
                "eHealth Ukraine does not know this.",
                partner=("ehealth", "not_found"),
                diagnostics="Validation failed",
            ),
        ),
        (
            409,
            409,
            issue(
                "partner-refused",
                "business-rule",
                REFUSED,
                partner=("ehealth", "request_conflict"),
                diagnostics="Legal entity must be ACTIVE",
            ),
        ),
        (
            429,
            429,
            issue(
                "partner-throttled",
                "throttled",
                "eHealth Ukraine asks for fewer requests; wait, then send again.",
                partner=("ehealth", "too_many_requests"),
                diagnostics="Too many requests",
            ),
        ),
        (
            500,
            502,
            issue(
                "partner-error",
                "exception",
                "eHealth Ukraine failed.",
                partner=("ehealth", "internal_error"),
                diagnostics="Internal server error",
            ),
        ),
        (502, 502, issue("partner-error", "transient", AWAY)),
        (
            503,
            503,
            issue(
                "partner-error",
                "transient",
                AWAY,
                partner=("ehealth", "internal_error"),
                diagnostics="Service is temporarily unavailable",
            ),
        ),
    ],
)
async def test_every_error_that_the_sandbox_shows(
    client: httpx.AsyncClient, number: int, status: int, told: Json
) -> None:
    """The simulated partner's ids that end in the status that they answer."""
    id_ = f"00000000-0000-4000-8000-{number:012d}"

    response = await client.put(
        f"/fhir/ehealth/Patient/{id_}", json={"resourceType": "Patient", "id": id_, "gender": "male"}
    )

    assert (response.status_code, response.json()) == (status, outcome(told))


@pytest.mark.parametrize(
    ("url", "title"),
    [
        ("/fhir/healthex/Patient/answers-{}/$update-data", "HealthEx"),
        ("/fhir/wmda/Patient/900{}/$update-search-status", "WMDA Search & Match"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "status", "error", "code", "text", "words"),
    [
        (
            429,
            429,
            "partner-throttled",
            "throttled",
            "{} asks for fewer requests; wait, then send again.",
            "Too Many Requests",
        ),
        (500, 502, "partner-error", "exception", "{} failed.", "Internal Server Error"),
        (503, 503, "partner-error", "transient", "{} is not available; send again later.", "Service Unavailable"),
    ],
)
async def test_the_faults_of_the_other_simulated_partners(
    client: httpx.AsyncClient,
    url: str,
    title: str,
    fault: int,
    status: int,
    error: str,
    code: str,
    text: str,
    words: str,
) -> None:
    """Whoever it is, the client reads the same."""
    body = {"json": STATUS[2]} if "wmda" in url else {}

    response = await client.post(url.format(fault), **body)

    assert response.status_code == status
    assert response.headers.get("retry-after") == (None if fault == 500 else "7")
    assert response.json() == outcome(
        issue(error, code, text.format(title), diagnostics=words)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("url", "title", "status"),
    [
        ("/fhir/healthex/Patient/answers-html/$update-data", "HealthEx", 201),
        ("/fhir/wmda/Patient/900200/$update-search-status", "WMDA Search & Match", 200),
    ],
)
async def test_a_success_that_is_a_page_for_a_browser(
    client: httpx.AsyncClient, url: str, title: str, status: int
) -> None:
    """Something between the bridge and the partner answered in its place, perhaps."""
    body = {"json": STATUS[2]} if "wmda" in url else {}

    response = await client.post(url, **body)

    assert response.status_code == 502
    assert response.json() == unreadable(title, status, PAGE, accepted=True)


async def test_a_token_that_cannot_be_had(routes: Routes, partner: Canned) -> None:
    """The call itself was not carried out, and the text says so."""
    partner.answer(503)

    async with serving(routes, partner.everywhere()) as client:
        response = await call(client, RETRIEVAL)

    assert {request.url.path for request in partner.requests} == {"/v1/auth/token"}
    assert response.status_code == 503
    (told,) = response.json()["issue"]
    assert told["code"] == "transient"
    assert "sandbox-secret" not in response.text


async def test_a_token_that_ended_is_fetched_anew_once(routes: Routes, partner: Canned) -> None:
    """The call that was refused is made again with the new token."""
    partner.answer(201, {"token": "first", "expiration": 4_000_000_000})
    partner.answer(401)
    partner.answer(201, {"token": "second", "expiration": 4_000_000_000})
    partner.answer(201, {"message": "IN_PROGRESS_NO_ACTION_NEEDED"})

    async with serving(routes, partner.everywhere()) as client:
        response = await call(client, RETRIEVAL)

    assert response.status_code == 200
    assert [request.headers.get("authorization") for request in partner.requests] == [
        None,
        "Bearer first",
        None,
        "Bearer second",
    ]
