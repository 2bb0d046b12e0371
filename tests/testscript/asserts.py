"""Decides one assertion of a TestScript.

https://hl7.org/fhir/R4/testscript-definitions.html#TestScript.setup.action.assert
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lxml import etree

from tests.testscript import paths
from tests.testscript.content import MIME, Content, ContentError, Message, ScriptError
from tests.testscript.fhir_xml import Json
from tests.testscript.memory import Memory, header
from tests.testscript.minimum import missing
from tests.testscript.operators import holds
from tests.testscript.results import ActionResult, Result, titled

RESPONSES: Mapping[str, str] = {
    "okay": "200", "created": "201", "noContent": "204", "notModified": "304", "bad": "400", "forbidden": "403",
    "notFound": "404", "methodNotAllowed": "405", "conflict": "409", "gone": "410", "preconditionFailed": "412",
    "unprocessable": "422",
}  # fmt: skip
"""https://hl7.org/fhir/R4/valueset-assert-response-code-types.html"""


class _Failed(Exception):
    """What is not as the assertion says."""


class _Skipped(Exception):
    """What this runner does not do."""


_Check = Callable[[Json, Memory], str]
"""Returns what was found to be right; raises _Failed, _Skipped, ContentError or ScriptError."""


def decide(assertion: Json, memory: Memory) -> ActionResult:
    """Return what became of the assertion; one that is `warningOnly` gives no more than a warning."""
    result, message = _decided(assertion, memory)
    if result in ("fail", "error") and assertion.get("warningOnly"):
        result = "warning"
    return ActionResult("assert", result, titled(assertion, message))


def _decided(assertion: Json, memory: Memory) -> tuple[Result, str]:
    try:
        return "pass", _check_of(assertion)(assertion, memory)
    except (_Failed, ContentError) as failed:
        return "fail", str(failed)
    except _Skipped as skipped:
        return "skip", str(skipped)
    except ScriptError as error:
        return "error", str(error)


def _check_of(assertion: Json) -> _Check:
    """Return the one check that an assertion asks for; raises ScriptError (tst-5)."""
    asked = [name for name in _CHECKS if name in assertion]
    if not asked and "compareToSourceExpression" in assertion:
        return _expression
    if not asked and "compareToSourcePath" in assertion:
        return _path
    if len(asked) != 1:
        raise ScriptError(f"an assertion checks one thing, and this one {' and '.join(asked) or 'nothing'}")
    return _CHECKS[asked[0]]


def _is_request(assertion: Json) -> bool:
    return bool(assertion.get("direction") == "request")


def _message(assertion: Json, memory: Memory) -> Message:
    if "sourceId" in assertion:
        return memory.message(assertion["sourceId"])
    exchange = memory.exchange()
    return exchange.request if _is_request(assertion) else exchange.response


def _whose(assertion: Json) -> str:
    return str(assertion.get("sourceId") or ("request" if _is_request(assertion) else "response"))


def _judge(what: str, actual: Sequence[str], assertion: Json, expected: str | None) -> str:
    """Return that it fits; raises _Failed with what was found, and what was wanted."""
    operator = assertion.get("operator", "equals")
    shown = ", ".join(repr(value) for value in actual) or "absent"
    if holds(operator, actual, expected):
        return f"{what} is {shown}"
    wanted = operator if expected is None or operator in ("empty", "notEmpty") else f"{operator} {expected!r}"
    raise _Failed(f"{what} is {shown}; wanted: {wanted}")


def _response(assertion: Json, memory: Memory) -> str:
    word = assertion["response"]
    if word not in RESPONSES:
        raise ScriptError(f"{word} is no response that an assertion knows")
    return _judge("status", [str(memory.exchange().status_code)], assertion, RESPONSES[word])


def _response_code(assertion: Json, memory: Memory) -> str:
    expected = memory.fill(assertion["responseCode"])
    if "," in expected and assertion.get("operator") not in ("in", "notIn"):
        raise ScriptError(f"responseCode {expected} is a list, which needs the operator in or notIn")
    return _judge("status", [str(memory.exchange().status_code)], assertion, expected)


def _content_type(assertion: Json, memory: Memory) -> str:
    asked = [item.strip() for item in memory.fill(assertion["contentType"]).split(",")]
    expected = ",".join(MIME.get(item, item) for item in asked)
    found = header(_message(assertion, memory), "Content-Type")
    # Without parameters, but for those that the script itself names.
    actual = found if ";" in expected else [value.partition(";")[0].strip() for value in found]
    return _judge(f"Content-Type of {_whose(assertion)}", actual, assertion, expected)


def _header_field(assertion: Json, memory: Memory) -> str:
    name = assertion["headerField"]
    actual = header(_message(assertion, memory), name)
    return _judge(f"header {name} of {_whose(assertion)}", actual, assertion, _expected(assertion, memory))


def _request_method(assertion: Json, memory: Memory) -> str:
    actual = memory.exchange().method.lower()
    return _judge("method", [actual], assertion, assertion["requestMethod"].lower())


def _request_url(assertion: Json, memory: Memory) -> str:
    return _judge("URL", [memory.exchange().url], assertion, memory.fill(assertion["requestURL"]))


def _resource(assertion: Json, memory: Memory) -> str:
    tree = _message(assertion, memory).content().tree()
    actual = str(etree.QName(tree).localname)
    return _judge(f"resource of {_whose(assertion)}", [actual], assertion, assertion["resource"])


def _expected(assertion: Json, memory: Memory) -> str | None:
    """Return what to compare with: `value`, else what compareToSource… finds first."""
    if "value" in assertion:
        return memory.fill(str(assertion["value"]))
    if "compareToSourceId" not in assertion:
        return None
    source = memory.message(assertion["compareToSourceId"]).content()
    if "compareToSourceExpression" in assertion:
        found = _texts(source, memory.fill(assertion["compareToSourceExpression"]))
    elif "compareToSourcePath" in assertion:
        found = paths.path(source, memory.fill(assertion["compareToSourcePath"]))
    else:
        raise ScriptError("compareToSourceId needs compareToSourceExpression or compareToSourcePath")
    if not found:
        raise ScriptError(f"there is nothing to compare with in {assertion['compareToSourceId']}")
    return found[0]


def _texts(content: Content, expression: str) -> list[str]:
    return [paths.as_text(value) for value in paths.fhirpath(content, expression)]


def _expression(assertion: Json, memory: Memory) -> str:
    """Without an operator and something to compare with, and with `eval`, the expression itself must be true."""
    expression = memory.fill(assertion.get("expression", assertion.get("compareToSourceExpression")))
    found = paths.fhirpath(_message(assertion, memory).content(), expression)
    operator, expected = assertion.get("operator"), _expected(assertion, memory)
    if operator == "eval" or (operator is None and expected is None):
        if found != [True]:
            raise _Failed(f"{expression} of {_whose(assertion)} is {_shown(found)}, not true")
        return f"{expression} is true"
    if operator in ("empty", "notEmpty"):
        return _judge(expression, ["something"] * len(found), assertion, None)
    return _judge(expression, [paths.as_text(value) for value in found], assertion, expected)


def _shown(found: Sequence[Json]) -> str:
    return ", ".join(str(value).lower() if isinstance(value, bool) else repr(value) for value in found) or "empty"


def _path(assertion: Json, memory: Memory) -> str:
    path = memory.fill(assertion.get("path", assertion.get("compareToSourcePath")))
    actual = paths.path(_message(assertion, memory).content(), path)
    return _judge(path, actual, assertion, _expected(assertion, memory))


def _minimum_id(assertion: Json, memory: Memory) -> str:
    minimum_id = assertion["minimumId"]
    minimum = memory.message(minimum_id).content().tree()
    lacks = missing(minimum, _message(assertion, memory).content().tree())
    if lacks:
        raise _Failed(f"{_whose(assertion)} lacks {', '.join(lacks)} of {minimum_id}")
    return f"{_whose(assertion)} holds all of {minimum_id}"


def _navigation_links(assertion: Json, memory: Memory) -> str:
    if not assertion["navigationLinks"]:
        raise _Skipped("navigationLinks is false: the links are not looked at")
    relations = paths.fhirpath(_message(assertion, memory).content(), "Bundle.link.relation")
    absent = [relation for relation in ("first", "last", "next") if relation not in relations]
    if absent:
        raise _Failed(f"the Bundle has no link {', '.join(absent)}")
    return "the Bundle has the links first, last and next"


def _validate_profile_id(assertion: Json, memory: Memory) -> str:
    raise _Skipped(f"not checked: this runner does not validate against profiles ({assertion['validateProfileId']})")


_CHECKS: Mapping[str, _Check] = {
    "contentType": _content_type,
    "expression": _expression,
    "headerField": _header_field,
    "minimumId": _minimum_id,
    "navigationLinks": _navigation_links,
    "path": _path,
    "requestMethod": _request_method,
    "requestURL": _request_url,
    "resource": _resource,
    "response": _response,
    "responseCode": _response_code,
    "validateProfileId": _validate_profile_id,
}
