"""What a partner's refusal means in FHIR: statuses, codes, words, and fields taken back to the client's elements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, get_args

from fhir_bridge.canonical import CANONICAL
from fhir_bridge.exchange import PartnerResponse
from fhir_bridge.fhir.json import loads
from fhir_bridge.limits import DEFAULTS, Limits
from fhir_bridge.mapping.locating import Locator
from fhir_bridge.mapping.model import ErrorSpec, Saying
from fhir_bridge.mapping.partner_fields import Keys, dotted, parse_keys
from fhir_bridge.mapping.sending import Pair
from fhir_bridge.outcome import Coding, ErrorCode, FhirError, Issue, IssueCode, Json, diagnostics

MAX_CODE = 100
"""How many characters of a partner's code a client is shown."""


SEND_LATER = "; send again later."
"""What a client may do where nothing was changed."""


class Meaning(NamedTuple):
    """What the client gets for a partner's status. `fixed`: the partner's own code does not change the issue type."""

    status_code: int
    code: IssueCode
    error: ErrorCode
    text: str
    fixed: bool = True


# The table of the contract, "Errors: always an OperationOutcome".
_REFUSED = "{partner} refused the request."
_OUR_CALL = "{partner} did not understand the bridge's call; the mapping file has to be mended."
_MEANINGS: dict[int, Meaning] = {
    400: Meaning(400, "invalid", "partner-refused", _REFUSED, fixed=False),
    401: Meaning(502, "login", "partner-credentials-refused", "{partner} refused the bridge's own credentials."),
    403: Meaning(403, "forbidden", "partner-refused", "{partner} does not allow this."),
    404: Meaning(404, "not-found", "partner-refused", "{partner} does not know this."),
    405: Meaning(502, "exception", "partner-error", _OUR_CALL),
    406: Meaning(502, "exception", "partner-error", _OUR_CALL),
    409: Meaning(409, "conflict", "partner-refused", _REFUSED),
    410: Meaning(410, "deleted", "partner-refused", "{partner} has deleted this."),
    412: Meaning(412, "conflict", "partner-refused", _REFUSED),
    413: Meaning(413, "too-long", "partner-refused", "This is more than {partner} takes."),
    415: Meaning(502, "exception", "partner-error", _OUR_CALL),
    422: Meaning(422, "business-rule", "partner-refused", _REFUSED, fixed=False),
    429: Meaning(429, "throttled", "partner-throttled", "{partner} asks for fewer requests; wait, then send again."),
    500: Meaning(502, "exception", "partner-error", "{partner} failed."),
    501: Meaning(501, "not-supported", "partner-error", "{partner} does not support this."),
    502: Meaning(502, "transient", "partner-error", f"{{partner}} is not available{SEND_LATER}"),
    503: Meaning(503, "transient", "partner-error", f"{{partner}} is not available{SEND_LATER}"),
    504: Meaning(504, "timeout", "partner-too-late", f"{{partner}} did not answer in time{SEND_LATER}"),
}
_OTHER = Meaning(
    502,
    "exception",
    "partner-error",
    "{partner} answered with status {status}, which is not expected; ask {partner} why.",
)
_FORWARDED = Meaning(401, "login", "partner-credentials-refused", "{partner} refused the token that you sent.")


# Older servers write an XPath, which no client of this one could follow.
_FHIRPATH = re.compile(r"[A-Z][A-Za-z]{0,63}(\.[A-Za-z]{1,64}(\[\d{1,4}\])?){0,20}")
_RETRY_AFTER = re.compile(r"[A-Za-z0-9,: ]{1,40}")


class Complaint(NamedTuple):
    """One thing that the partner complains of: its words, its code, its field."""

    words: str
    code: str | None = None
    field: Keys = ()
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Reads one partner's errors. `forwards`: the partner judged the client's own token."""

    partner: str
    title: str
    spec: ErrorSpec
    forwards: bool

    def error(
        self,
        response: PartnerResponse,
        pairs: Sequence[Pair],
        home: Callable[[str], str | None] = str,
        limits: Limits = DEFAULTS,
        find_out: str = "",
    ) -> FhirError:
        """Return what the client gets for an answer that is no success; `pairs` say what was sent from where.

        `home` takes a FHIRPath of the partner's to the client's element. `find_out` says how a client finds out what
        became of the call, where that may not be made twice.
        """
        body = _read(response, limits)
        words = " ".join(_texts(body, self.spec.text)) if isinstance(body, dict) else body
        found = list(islice(self._complaints(body), limits.max_problems)) or [Complaint("", self._code(body))]
        if not words and not any(each.words for each in found):
            words = "; ".join(islice(_all_words(body), limits.max_problems))
        complaints = [_at_home(each._replace(words=each.words or words), home) for each in found]
        meaning = self._meaning(response.status_code)
        all_words = " ".join([words, *(complaint.words for complaint in complaints)])
        saying = self._saying(response.status_code, all_words)
        if saying is not None and saying.answer is not None:
            meaning = _answered(saying.answer, meaning, saying.code)
        elif saying is None and find_out and _leaves_unknown(response):
            meaning = _unknown(meaning, find_out)
        meaning = meaning._replace(text=meaning.text.replace("{status}", str(response.status_code)))
        locator = Locator.of(pairs)
        issues = [self._issue(complaint, meaning, saying, locator) for complaint in complaints]
        return FhirError(meaning.status_code, *issues, headers=_headers(meaning, response))

    def of_record(self, words: Iterable[str], pairs: Sequence[Pair]) -> FhirError:
        """Return what the client gets for a record that was refused in words, among others that may have been made.

        Words that name a field of the record are told at its element.
        """
        locator = Locator.of(pairs)
        complaints = [Complaint(text, None, locator.named(text)) for text in words]
        meaning = _MEANINGS[422]
        sayings = [self._saying(422, complaint.words) for complaint in complaints]
        issues = [self._issue(each, meaning, says, locator) for each, says in zip(complaints, sayings, strict=True)]
        return FhirError(422, *issues)

    def of_repeat(self) -> FhirError:
        """Return what the client gets for a record that was there already."""
        text = f"{self.title} has this record already; nothing was made."
        return FhirError(409, Issue("partner-refused", "duplicate", text))

    def _meaning(self, status: int) -> Meaning:
        return _FORWARDED if status == 401 and self.forwards else _MEANINGS.get(status, _OTHER)

    def _saying(self, status: int, words: str) -> Saying | None:
        for saying in self.spec.says:
            fits_status = not saying.status or status in saying.status
            if fits_status and (not saying.text or any(text.lower() in words.lower() for text in saying.text)):
                return saying
        return None

    def _code(self, body: Json) -> str | None:
        return _code_at(body, self.spec.code)

    def _complaints(self, body: Json) -> Iterator[Complaint]:
        if not isinstance(body, dict):
            return
        if self.spec.operation_outcome:
            yield from _complaints_of_outcome(body)
        if self.spec.list_at is not None:
            for item in _values(body, self.spec.list_at.split(".")):
                yield from self._complaints_of_list(item, body)
        if self.spec.fields_at is not None:
            for fields in _values(body, self.spec.fields_at.split(".")):
                yield from _complaints_of_fields(fields, self._code(body))

    def _complaints_of_list(self, items: Json, body: Json) -> Iterator[Complaint]:
        for item in items if isinstance(items, list) else [items]:
            field = " ".join(_texts(item, [self.spec.item_field]))
            said = self.spec.item_text is not None and isinstance(item, dict)
            words = "; ".join(_texts(item, [self.spec.item_text]) if said else _all_words(item))
            code = _code_at(item, self.spec.item_code) or self._code(body)
            yield Complaint(words, code, parse_keys(field))

    def _issue(self, complaint: Complaint, meaning: Meaning, saying: Saying | None, locator: Locator) -> Issue:
        code: IssueCode = meaning.code
        known = (self.spec.codes or {}).get(complaint.code or "")
        if saying is not None:
            code = saying.code  # type: ignore[assignment]  # reading/errors.py lets only issue types through
        elif known and not meaning.fixed:
            code = known  # type: ignore[assignment]  # the same
        elif complaint.code in _ISSUE_TYPES and self.spec.operation_outcome and not meaning.fixed:
            code = complaint.code  # type: ignore[assignment]  # just checked
        text = meaning.text.format(partner=self.title)
        if complaint.field and meaning.text == _REFUSED:
            text = f"{self.title} refused its field `{dotted(complaint.field)}`."
        return Issue(
            error=meaning.error,
            code=code,
            text=text,
            expression=complaint.expression or locator.element(complaint.field),
            partner=Coding(f"{CANONICAL}/CodeSystem/{self.partner}-error", complaint.code) if complaint.code else None,
            diagnostics=diagnostics(complaint.words),
        )


_ISSUE_TYPES = frozenset(get_args(IssueCode))


def _at_home(complaint: Complaint, home: Callable[[str], str | None]) -> Complaint:
    return complaint if complaint.expression is None else complaint._replace(expression=home(complaint.expression))


def _answered(status: int, meaning: Meaning, code: str) -> Meaning:
    """What a refusal means that the mapping file gives another status; a 502 `login` is about the bridge's login."""
    if (status, code) == (502, "login"):
        return _MEANINGS[401]
    if meaning is _MEANINGS[401]:  # it is about something else than the login
        meaning = _MEANINGS.get(status, meaning)
    return meaning._replace(status_code=status)


def _leaves_unknown(response: PartnerResponse) -> bool:
    """Whether an answer does not tell if the call was carried out: it may be that of a server in front of the partner.

    One that says when to come back has not carried it out. https://www.rfc-editor.org/rfc/rfc9110#section-15.6
    """
    if response.status_code == 503 and response.headers.get("retry-after"):
        return False
    return response.status_code > 501


def _unknown(meaning: Meaning, find_out: str) -> Meaning:
    text = f"{{partner}} answered with status {{status}}. It may have carried out the call. {find_out}"
    return meaning._replace(error="fate-unknown", text=text)


def _complaints_of_fields(fields: Json, code: str | None) -> Iterator[Complaint]:
    """What an object of field names with their words complains of, or a list of names; else its words."""
    if isinstance(fields, dict):
        for name, words in fields.items():
            yield Complaint("; ".join(_all_words(words)), code, parse_keys(name))
    elif isinstance(fields, list) and all(isinstance(name, str) for name in fields):
        yield from (Complaint("", code, parse_keys(name)) for name in fields)
    else:
        yield Complaint("; ".join(_all_words(fields)), code)


def _complaints_of_outcome(body: Json) -> Iterator[Complaint]:
    """The issues of a partner's own OperationOutcome."""
    issues = body.get("issue")
    for issue in issues if isinstance(issues, list) else ():
        words = _texts(issue, ["diagnostics", "details.text"])
        paths = [path for path in _texts(issue, ["expression", "location"]) if _FHIRPATH.fullmatch(path)]
        yield Complaint("; ".join(words), _code_at(issue, "code"), (), next(iter(paths), None))


def _read(response: PartnerResponse, limits: Limits) -> Json:
    """The JSON object of an error's body; its text where it is no JSON object."""
    try:
        body = loads(response.body, limits.of_answers)
    except FhirError:
        body = None
    return body if isinstance(body, dict) else response.body[:4000].decode("utf-8", "replace")


def _texts(record: Json, paths: Iterable[str | None]) -> list[str]:
    """The texts at the first of the paths that has any; `rules[].description` goes through a list."""
    for path in paths:
        found = [text for value in _values(record, path.split(".")) for text in _strings(value)] if path else []
        if found:
            return found
    return []


def _code_at(record: Json, path: str | None) -> str | None:
    """The partner's code at a path, as FHIR writes codes: one space between words, none around them."""
    code = next(iter(_texts(record, [path])), "")
    return " ".join((diagnostics(code) or "").split())[:MAX_CODE] or None


def _values(record: Json, names: Sequence[str]) -> list[Json]:
    if not names:
        return [record]
    value = record.get(names[0].removesuffix("[]")) if isinstance(record, dict) else None
    if names[0].endswith("[]"):
        items = value if isinstance(value, list) else []
        return [found for item in items for found in _values(item, names[1:])]
    return [] if value is None else _values(value, names[1:])


def _strings(value: Json) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text]


def _all_words(value: Json) -> Iterator[str]:
    """Every text in a value, whatever its shape: where nobody said what a partner's words are, these are they."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _all_words(inner)
    elif isinstance(value, str) and value:
        yield value


def _headers(meaning: Meaning, response: PartnerResponse) -> dict[str, str]:
    headers = {}
    retry_after = response.headers.get("retry-after", "")
    if meaning.status_code in (429, 503) and _RETRY_AFTER.fullmatch(retry_after):
        headers["Retry-After"] = retry_after
    if meaning.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers
