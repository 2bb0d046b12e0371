"""What passes as it is: sent and received unchanged, or converted where the client speaks another FHIR version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from fhir_bridge.fhir.conversion import to_r4, to_stu3
from fhir_bridge.fhir.elements import Version
from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.message import id_told
from fhir_bridge.fhir.narrative import readable
from fhir_bridge.fhir.r4_stu3 import NAMES, r4_expression, stu3_expression
from fhir_bridge.mapping.checks import Check, modifier_extensions, parts_only
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.losses import Loss
from fhir_bridge.mapping.partner_fields import Unreadable
from fhir_bridge.mapping.receivers import Received, check_form, check_told_id, read_json
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class PassSender:
    """Sends a resource as it is; in another FHIR version than the partner's, converted. Profiles are R4."""

    partner_version: Version
    structures: Mapping[Version, Check]
    profile: Check

    def check(self, resource: Json, interaction: Interaction) -> list[Issue]:
        problems = self.structures[interaction.version](resource)
        if problems:
            return [*self._other_version(resource, interaction.version), *problems]
        others = [*modifier_extensions(resource, resource["resourceType"]), *parts_only(resource)]
        if interaction.version == "4.0":
            return [*self.profile(resource), *others]
        return [*(_in_stu3(issue, resource) for issue in self.profile(to_r4(resource).resource)), *others]

    def _other_version(self, resource: Json, version: Version) -> Iterator[Issue]:
        """A word to the client whose resource is sound in a FHIR version that it did not name."""
        for other, structure in self.structures.items():
            if other != version and not structure(resource):
                text = f"This is FHIR {other}; say so in Content-Type: application/fhir+json; fhirVersion={other}."
                place = "http.Content-Type"
                yield Issue("content-type-not-supported", "informational", text, place, "information")

    def send(self, resource: Json, interaction: Interaction) -> Sending:
        if interaction.version == self.partner_version:
            return Sending(body=resource)
        converted = to_stu3(resource, now=interaction.now)
        issues = [*converted.issues, *self._not_of_the_partners(converted.resource)]
        return Sending(body=converted.resource, issues=issues, home=r4_expression)

    def _not_of_the_partners(self, resource: Json) -> Iterator[Issue]:
        """What the partner's FHIR version requires, or does not allow, and that of the client does not mind.

        STU3 requires a Condition's clinicalStatus and SampledData's data; nothing true can be put there.
        """
        for issue in self.structures[self.partner_version](resource):
            text = f"It is sent in {NAMES[self.partner_version]}, and there: {issue.text}"
            yield Issue("cannot-be-sent", issue.code, text, r4_expression(issue.expression or ""))

    def complete(self, body: Json, interaction: Interaction) -> Json:
        return body

    def pairs(self, resource: Json) -> list[Pair]:
        return []

    def losses(self, resource: Json, interaction: Interaction, known: Json = None) -> list[Loss]:
        return []


_WITHIN = re.compile(r"(Bundle\.entry\[(?P<entry>\d+)\]\.resource|\w+\.contained\[(?P<contained>\d+)\])\.(?P<rest>.+)")


def _in_stu3(issue: Issue, resource: Json) -> Issue:
    """An issue of a resource's R4 form, placed at the element that the client sent in STU3."""
    match = _WITHIN.fullmatch(issue.expression or "")
    if match is None:
        return issue
    within, rest = match[1], match["rest"]
    is_entry = match["entry"] is not None
    inner = (
        resource["entry"][int(match["entry"])]["resource"]
        if is_entry
        else resource["contained"][int(match["contained"])]
    )
    resource_type = inner["resourceType"]
    sent = stu3_expression(f"{resource_type}.{rest}").removeprefix(f"{resource_type}.")
    return replace(issue, expression=f"{within}.{sent}")


@dataclass(frozen=True, slots=True)
class PassReceiver:
    """Takes a resource of one type as it is; converted where the client speaks another FHIR version.

    `about` is the type of the record that a Bundle is about: the id that it tells is that of the first one in it.
    """

    resource_type: str
    partner_version: Version
    empty_is_success: bool
    about: str | None = None
    spell: Spell = str

    def receive(self, body: bytes, interaction: Interaction) -> Received:
        if not body.strip() and self.empty_is_success:
            return Received()
        resource = _without_empty_entry(readable(read_json(body, interaction.limits)))
        if not isinstance(resource, dict) or resource.get("resourceType") != self.resource_type:
            raise Unreadable((), f"a {self.resource_type} is expected here")
        id_ = resource["id"] if isinstance(resource.get("id"), str) else None
        if self.resource_type == interaction.resource_type != "Bundle":
            check_told_id(id_, interaction, self.spell)
        elif self.about is not None:
            id_ = id_told(resource, self.about)
            check_form(id_)
        if interaction.version == self.partner_version:
            return Received(resource, id_, id_of=self.about)
        in_r4, issues = to_r4(resource)
        if issues:
            raise Unreadable((), f"it cannot be said in R4: {issues[0].expression}: {issues[0].text.removesuffix('.')}")
        return Received(in_r4, id_, id_of=self.about)


def _without_empty_entry(resource: Json) -> Json:
    """A Bundle in which nothing was found, as FHIR writes it: its JSON has no empty list.

    https://hl7.org/fhir/R4/json.html#repeat
    """
    if isinstance(resource, dict) and resource.get("resourceType") == "Bundle" and resource.get("entry") == []:
        return {name: value for name, value in resource.items() if name != "entry"}
    return resource
