"""The laws of the conversion, over generated messages: there and back again is where it began."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_bridge.fhir.conversion import Converted, to_r4, to_stu3
from fhir_bridge.fhir.elements import elements, resource_types
from fhir_bridge.fhir.r4_stu3 import TO_R4, is_convertible
from fhir_bridge.fhir.structure import structure_checker

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
NAMES = """resourceType name _name entry resource extension url valueUrl stage animal clinicalStatus coding code
    identifier timestamp destination receiver type use who reference signature valueMoney system _extension"""


words = st.text("abcdefgh \u0416\u00e9", min_size=1, max_size=6)
codes = st.sampled_from(["a", "b-c", "426875007"])
uris = st.sampled_from(["urn:oid:1.2.3", "http://example.org/x", "urn:uuid:5109d51b-421e-4746-b673-16e3fe2b3442"])
dates = st.sampled_from(["2020", "2020-02", "2020-02-29", "1991-01-01"])
instants = st.sampled_from(["2020-03-27T12:21:39.471Z", "2020-03-27T12:21:39+02:00"])
decimals = st.sampled_from([Decimal("1.50"), Decimal("0.1"), 3])
systems = {
    "3.0": st.sampled_from(["http://snomed.info/sct", "http://hl7.org/fhir/v2/0131", "http://hl7.org/fhir/message-events"]),
    "4.0": st.sampled_from(["http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem/v3-ActReason"]),
}  # fmt: skip


def element(**optional):
    """Return a strategy for an object that has some of these elements, and at least one beside an id (ele-1)."""
    return st.fixed_dictionaries({}, optional=optional).filter(lambda value: value.keys() - {"id"})


def lists(items):
    return st.lists(items, min_size=1, max_size=3)


def extensions(version):
    money = {
        "3.0": {"unit": words, "code": codes, "system": uris},
        "4.0": {"currency": st.sampled_from(["EUR", "CHF"])},
    }
    values = [
        st.builds(lambda url, value: {"url": url, "valueString": value}, uris, words),
        st.builds(lambda url, value: {"url": url, "valueDecimal": value}, uris, decimals),
        st.builds(lambda url, value: {"url": url, "valueReference": value}, uris, references(version)),
        st.builds(
            lambda url, value: {"url": url, "valueMoney": value}, uris, element(value=decimals, **money[version])
        ),
    ]
    return lists(st.one_of(values))


def beside():
    return element(id=st.just("i"), extension=lists(st.just({"url": "urn:beside", "valueCode": "x"})))


def codings(version):
    return element(system=systems[version], code=codes, display=words, id=st.just("c"))


def concepts(version):
    return element(coding=lists(codings(version)), text=words)


def references(version):
    own = {"type": st.just("Organization")} if version == "4.0" else {}
    identifier = element(value=words, system=uris)
    return element(reference=st.sampled_from(["Organization/1", "urn:x"]), identifier=identifier, display=words, **own)


def identifiers(version):
    uses = ["usual", "official", "temp", "secondary"]
    return element(
        use=st.sampled_from(uses), _use=beside(), system=uris, value=words, type=concepts(version),
        period=element(start=dates), assigner=references(version), extension=extensions(version),
    )  # fmt: skip


def metas(version):
    own = {"source": uris} if version == "4.0" else {}
    return element(profile=lists(uris), lastUpdated=instants, tag=lists(codings(version)), **own)


def patients(version):
    uses = ["home", "work", "temp", "old"]
    animal = element(species=concepts("3.0"), breed=concepts("3.0"), genderStatus=concepts("3.0"))
    own = {"animal": animal} if version == "3.0" else {}
    return st.fixed_dictionaries(
        {"resourceType": st.just("Patient")},
        optional={
            "id": codes, "meta": metas(version), "active": st.booleans(), "birthDate": dates, "_birthDate": beside(),
            "identifier": lists(identifiers(version)), "extension": extensions(version),
            "name": lists(element(family=words, given=lists(words), _family=beside())),
            "address": lists(element(use=st.sampled_from(uses), line=lists(words), city=words)),
            "contact": lists(element(relationship=lists(concepts(version)), organization=references(version))),
            "communication": lists(st.fixed_dictionaries({"language": concepts(version)})),
            "link": lists(st.fixed_dictionaries({"other": references(version), "type": st.just("refer")})),
            "managingOrganization": references(version), "deceasedBoolean": st.booleans(),
            **own,
        },
    )  # fmt: skip


def statuses(system, known):
    exact = st.sampled_from(known).map(lambda code: {"coding": [{"system": system, "code": code}]})
    more = st.builds(lambda concept, text: {**concept, "text": text}, exact, words)
    return exact | more | beside()


def stages(version):
    own = {"type": concepts(version)} if version == "4.0" else {}
    return element(
        id=st.just("s"), summary=concepts(version), assessment=lists(references(version)),
        extension=extensions(version), **own,
    )  # fmt: skip


def conditions(version):
    clinical = ["active", "recurrence", "inactive", "remission", "resolved"]
    verification = ["provisional", "differential", "confirmed", "refuted", "entered-in-error"]
    if version == "3.0":
        own = {
            "clinicalStatus": st.sampled_from(clinical), "_clinicalStatus": beside(),
            "verificationStatus": st.sampled_from([*verification, "unknown"]), "assertedDate": dates,
            "context": references(version) | st.just({"reference": "EpisodeOfCare/1"}), "stage": stages(version),
        }  # fmt: skip
    else:
        own = {
            "clinicalStatus": statuses(CLINICAL, [*clinical, "relapse"]),
            "verificationStatus": statuses(VERIFICATION, [*verification, "unconfirmed"]), "recordedDate": dates,
            "encounter": references(version), "recorder": references(version), "stage": lists(stages(version)),
        }  # fmt: skip
    abatement = {"abatementBoolean": st.booleans()} if version == "3.0" else {"abatementDateTime": dates}
    return st.fixed_dictionaries(
        {"resourceType": st.just("Condition"), "subject": references(version)},
        optional={
            "code": concepts(version), "category": lists(concepts(version)), "bodySite": lists(concepts(version)),
            "asserter": references(version), "onsetAge": element(value=decimals, unit=words),
            "evidence": lists(element(code=lists(concepts(version)))), "extension": extensions(version),
            "note": lists(st.fixed_dictionaries({"text": words})),
            **own, **abatement,
        },
    )  # fmt: skip


def headers(version):
    receiver = {"receiver": references(version)}
    destination = st.fixed_dictionaries(
        {"endpoint": uris}, optional={"name": words} | (receiver if version == "4.0" else {})
    )
    own = {"3.0": receiver, "4.0": {"definition": uris}}[version]
    required = {
        "3.0": {"event": codings(version), "timestamp": instants},
        "4.0": {"eventCoding": codings(version)},
    }[version]
    return st.fixed_dictionaries(
        {"resourceType": st.just("MessageHeader"), "source": st.fixed_dictionaries({"endpoint": uris}), **required},
        optional={
            "id": codes, "meta": metas(version), "destination": lists(destination), "sender": references(version),
            "reason": concepts(version), "focus": lists(references(version)), "extension": extensions(version), **own,
        },
    )  # fmt: skip


def outcomes(version):
    known = ["invalid", "not-found", "processing"] + (["deleted", "multiple-matches"] if version == "4.0" else [])
    issue = st.fixed_dictionaries(
        {"severity": st.just("error"), "code": st.sampled_from(known)},
        optional={"details": concepts(version), "diagnostics": words, "_code": beside()},
    )
    return st.fixed_dictionaries({"resourceType": st.just("OperationOutcome"), "issue": lists(issue)})


def related_persons(version):
    relationship = concepts(version)
    own = {"communication": lists(st.fixed_dictionaries({"language": concepts(version)}))} if version == "4.0" else {}
    return st.fixed_dictionaries(
        {"resourceType": st.just("RelatedPerson"), "patient": references(version)},
        optional={
            "relationship": relationship if version == "3.0" else lists(relationship), "active": st.booleans(),
            "name": lists(element(family=words)), "extension": extensions(version), **own,
        },
    )  # fmt: skip


def binaries(version):
    content = {"3.0": "content", "4.0": "data"}[version]
    return st.fixed_dictionaries(
        {"resourceType": st.just("Binary"), "contentType": st.just("image/png"), content: st.just("AAAA")}
    )


def messages(version):
    entries = st.builds(
        lambda header, others: [{"resource": resource} for resource in (header, *others)],
        headers(version),
        st.lists(
            patients(version) | conditions(version) | outcomes(version) | related_persons(version) | binaries(version),
            max_size=3,
        ),
    )
    timestamp = {"timestamp": instants} if version == "4.0" else {}
    return st.fixed_dictionaries(
        {"resourceType": st.just("Bundle"), "type": st.just("message"), "entry": entries, **timestamp},
        optional={"id": codes, "meta": metas(version)},
    )


@settings(max_examples=150)
@given(messages("4.0"))
def test_an_r4_message_is_itself_again_after_a_journey_through_stu3(message):
    """What is told of it are codes whose nearest was written; the exact ones come home all the same."""
    there = to_stu3(message, now=NOW)

    assert {issue.severity for issue in there.issues} <= {"warning"}
    assert to_r4(there.resource) == Converted(message, ())


@settings(max_examples=150)
@given(messages("3.0"))
def test_an_stu3_message_is_itself_again_after_a_journey_through_r4(message):
    there = to_r4(message)

    assert (there.issues, to_stu3(there.resource, now=NOW)) == ((), Converted(message, ()))


def wrong(version, resource):
    """Return where a resource breaks the structure of its version."""
    return {issue.expression for issue in structure_checker(version)(resource)}


@settings(max_examples=100)
@given(messages("4.0"))
def test_a_message_that_became_stu3_is_as_right_as_it_was(message):
    assert wrong("3.0", to_stu3(message, now=NOW).resource) <= wrong("4.0", message)


@settings(max_examples=100)
@given(messages("3.0"))
def test_a_message_that_became_r4_is_as_right_as_it_was(message):
    assert wrong("4.0", to_r4(message).resource) <= wrong("3.0", message)


def homeless(type_name):
    """Return the elements of an STU3 type that R4 has neither in its place, with all codes, nor as extension."""
    here, there = elements("3.0", type_name), elements("4.0", type_name)
    renamed = {name: there.get(TO_R4.renamed.get(f"{type_name}.{name}", name)) for name in here}
    kept = {name for name, found in renamed.items() if found is not None and set(here[name].codes) <= set(found.codes)}
    return [] if "extension" in there else sorted(here.keys() - kept)


def test_r4_has_a_place_for_all_that_stu3_says():
    """So nothing of a partner's answer is ever left behind: in R4, it is an element or an extension of FHIR's own."""
    known = [name for name in resource_types("3.0") if is_convertible(name)]

    assert {name: homeless(name) for name in (*known, "Extension") if homeless(name)} == {}
    assert not elements("3.0", "Extension").keys() - elements("4.0", "Extension").keys()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES.split()),
            inner | st.sampled_from(["Patient", "Bundle", "Condition", "MessageHeader", "message", "old", "active"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(json_values)
def test_no_json_makes_the_conversion_fail(value):
    assert {issue.severity for issue in to_r4(value).issues} <= {"error"}
    assert isinstance(to_stu3(value, now=NOW), Converted)
