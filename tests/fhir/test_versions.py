"""Version ids that are made of a time and of what a record holds."""

from decimal import Decimal

import pytest

from fhir_bridge.fhir.versions import fingerprint, version_id, with_whole_version
from fhir_bridge.outcome import Json


def patient(version: Json = None, **elements: Json) -> Json:
    meta = {} if version is None else {"meta": {"versionId": version}}
    return {"resourceType": "Patient", "id": "1", **meta, **elements}


@pytest.mark.parametrize(
    "version",
    ["2017-04-20T191413Z", "2017-04-20T191413.250200", "2017-04-20", "20170420T191413Z", "1492715653", "1492715653000"],
)
def test_a_time_is_followed_by_a_hash(version: str) -> None:
    assert with_whole_version(patient(version))["meta"] == {"versionId": f"{version}-5a19b79cfe4e"}


@pytest.mark.parametrize("version", ["17", "999999999", "a7f3", "2017", "20170420"])
def test_what_the_partner_counts_is_the_version(version: str) -> None:
    assert with_whole_version(patient(version)) == patient(version)


def test_a_resource_without_a_version_gets_none() -> None:
    assert with_whole_version(patient()) == patient()


def test_the_hash_tells_every_difference_in_content() -> None:
    different = [
        patient(),
        patient(gender="male"),
        patient(gender="female"),
        patient(active=True),
        patient(active=False),
        patient(name=[{"family": "A"}, {"family": "B"}]),
        patient(name=[{"family": "B"}, {"family": "A"}]),
        {"resourceType": "Patient", "meta": {"lastUpdated": "2017-04-20T19:14:13Z"}},
    ]

    assert len({fingerprint(resource) for resource in different}) == len(different)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gender": "male", "active": True}, {"active": True, "gender": "male"}),
        ({"n": Decimal("1.50")}, {"n": Decimal("1.5")}),
        ({"n": 70}, {"n": Decimal("70.0")}),
        ({"n": 100}, {"n": Decimal("1E+2")}),
        ({"id": "ABC"}, {"id": "abc"}),
        ({"meta": {"versionId": "1"}}, {"meta": {"versionId": "2"}}),
    ],
)
def test_the_hash_is_the_same_for_the_same_content(one: Json, other: Json) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_what_no_id_may_hold_is_left_out() -> None:
    assert version_id("2017-04-20T19:14:13.25+02:00") == "2017-04-20T191413.250200"
