"""What R4 says in another place than STU3: written there, and taken back before a resource becomes STU3's again.

An STU3 element without a counterpart arrives in R4 as the extension that stands for it; where R4 has a place
of its own for the same thing, `settled` moves it there, and `unsettled` is the way back.
https://hl7.org/fhir/R4/messageheader-version-maps.html, https://hl7.org/fhir/R4/patient-version-maps.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_bridge.fhir.cross_version import content_of, url
from fhir_bridge.outcome import Json

Value = Mapping[str, Json]

_TIMESTAMP = url("3.0", "MessageHeader.timestamp")
_RECEIVER = url("3.0", "MessageHeader.receiver")
_ANIMAL = url("3.0", "Patient.animal")
_R4_ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
_ANIMAL_PARTS = frozenset({"species", "breed", "genderStatus"})
_WHO = url("3.0", "Signature.who")
_MONEY_CODE, _MONEY_SYSTEM = url("3.0", "Money.code"), url("3.0", "Money.system")
_ISO_4217 = "urn:iso:std:iso:4217"


def settled(type_name: str, value: Value) -> Value:
    """Return an R4 value with each such extension moved to R4's own place; the value itself where there is none."""
    return _SETTLE.get(type_name, _as_it_is)(value)


def unsettled(type_name: str, value: Value) -> Value:
    """Return an R4 value with what stands in R4's own places as extensions: the way back of `settled`."""
    return _UNSETTLE.get(type_name, _as_it_is)(value)


def _as_it_is(value: Value) -> Value:
    return value


def _extension(value: Value, url: str) -> Json:
    """Return the first extension of a URL, or an empty one."""
    extensions = value.get("extension")
    for each in extensions if isinstance(extensions, list) else ():
        if isinstance(each, dict) and each.get("url") == url:
            return each
    return {}


def _without_extension(value: Value, gone: Json) -> dict[str, Json]:
    kept = [each for each in value["extension"] if each is not gone]
    return {**value, "extension": kept} if kept else _without(value, "extension")


def _with_extension(value: Value, *added: Json) -> dict[str, Json]:
    return {**value, "extension": [*value.get("extension", ()), *added]}


def _without(value: Value, *names: str) -> dict[str, Json]:
    return {name: each for name, each in value.items() if name not in names}


def _header_of_message(bundle: Value) -> Json:
    """Return the MessageHeader that a message begins with, or an empty object."""
    match bundle:
        case {"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"} as header}, *_]}:
            return header
    return {}


def _with_header(bundle: Value, header: Value) -> dict[str, Json]:
    first, *others = bundle["entry"]
    return {**bundle, "entry": [{**first, "resource": header}, *others]}


def _settle_timestamp(bundle: Value) -> Value:
    header = _header_of_message(bundle)
    extension = _extension(header, _TIMESTAMP)
    if not extension or content_of(bundle, "timestamp"):
        return bundle
    moved = {prefix + "timestamp": item for prefix, item in content_of(extension, "valueInstant").items()}
    return {**_without(bundle, "entry"), **moved, **_with_header(bundle, _without_extension(header, extension))}


def _unsettle_timestamp(bundle: Value) -> Value:
    header, content = _header_of_message(bundle), content_of(bundle, "timestamp")
    if not header or not content:
        return bundle
    extension = {"url": _TIMESTAMP, **{prefix + "valueInstant": item for prefix, item in content.items()}}
    return _with_header(_without(bundle, "timestamp", "_timestamp"), _with_extension(header, extension))


def _destinations(header: Value) -> list[Json]:
    destinations = header.get("destination")
    return [each for each in destinations if isinstance(each, dict)] if isinstance(destinations, list) else []


def _settle_receiver(header: Value) -> Value:
    extension, destinations = _extension(header, _RECEIVER), _destinations(header)
    if "valueReference" not in extension or not destinations or any("receiver" in each for each in destinations):
        return header
    receiver = extension["valueReference"]
    moved = {"destination": [{**each, "receiver": receiver} for each in header["destination"]]}
    return {**_without_extension(header, extension), **moved}


def _unsettle_receiver(header: Value) -> Value:
    """STU3 has one receiver for all destinations: only where all of them name the same one is it that."""
    destinations = _destinations(header)
    receivers = [each.get("receiver") for each in destinations]
    if not receivers or receivers[0] is None or any(receiver != receivers[0] for receiver in receivers):
        return header
    moved = {**header, "destination": [_without(each, "receiver") for each in destinations]}
    return _with_extension(moved, {"url": _RECEIVER, "valueReference": receivers[0]})


def _renamed_extension(value: Value, extension: Json, url: str) -> Value:
    if not extension or not all(part.get("url") in _ANIMAL_PARTS for part in extension.get("extension", ())):
        return value
    renamed = [{**each, "url": url} if each is extension else each for each in value["extension"]]
    return {**value, "extension": renamed}


def _settle_animal(patient: Value) -> Value:
    return _renamed_extension(patient, _extension(patient, _ANIMAL), _R4_ANIMAL)


def _unsettle_animal(patient: Value) -> Value:
    return _renamed_extension(patient, _extension(patient, _R4_ANIMAL), _ANIMAL)


def _settle_currency(money: Value) -> Value:
    code, system = _extension(money, _MONEY_CODE), _extension(money, _MONEY_SYSTEM)
    if system.get("valueUri") != _ISO_4217 or "valueCode" not in code or "currency" in money:
        return money
    return {**_without_extension(_without_extension(money, code), system), "currency": code["valueCode"]}


def _unsettle_currency(money: Value) -> Value:
    if "currency" not in money or "_currency" in money:
        return money
    system, code = {"url": _MONEY_SYSTEM, "valueUri": _ISO_4217}, {"url": _MONEY_CODE, "valueCode": money["currency"]}
    return _with_extension(_without(money, "currency"), system, code)


def _settle_who(signature: Value) -> Value:
    """R4 requires `who`, a Reference; the extension stays beside it and says that STU3 had a uri."""
    extension = _extension(signature, _WHO)
    if "valueUri" not in extension or "who" in signature:
        return signature
    return {**signature, "who": {"reference": extension["valueUri"]}}


def _unsettle_who(signature: Value) -> Value:
    uri = _extension(signature, _WHO).get("valueUri")
    return _without(signature, "who") if uri and signature.get("who") == {"reference": uri} else signature


_SETTLE: Mapping[str, Callable[[Value], Value]] = {
    "Bundle": _settle_timestamp,
    "MessageHeader": _settle_receiver,
    "Patient": _settle_animal,
    "Money": _settle_currency,
    "Signature": _settle_who,
}
_UNSETTLE: Mapping[str, Callable[[Value], Value]] = {
    "Bundle": _unsettle_timestamp,
    "MessageHeader": _unsettle_receiver,
    "Patient": _unsettle_animal,
    "Money": _unsettle_currency,
    "Signature": _unsettle_who,
}
