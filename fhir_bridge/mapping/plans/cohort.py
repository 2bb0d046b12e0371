"""An operation on several records: the operation on each of them, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import NAMESPACE_URL, uuid5

from fhir_bridge.fhir.body import check_type
from fhir_bridge.fhir.bundle import entry_id
from fhir_bridge.fhir.interaction import FhirResponse, Interaction
from fhir_bridge.mapping.checks import Check, left_behind, modifier_extensions, raise_errors
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.losses import losses
from fhir_bridge.mapping.plans.steps import MakePlan
from fhir_bridge.outcome import FhirError, Issue, Json

GROUP = "group"
"""The parameter that holds a Group; the one that names a record is the type of the record, in small letters."""

_OF_PARAMETER = re.compile(r"Parameters\.parameter\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Cohort:
    """The operation of a type whose records are named: as members of a Group, or one by one; `most` of them at once.

    `plan` is that of the operation on one record, `is_id` tells the ids that one can have, `spell` writes an id as the
    partner does; `system` is the one whose identifiers are these.
    """

    partner: str
    resource_type: str
    most: int
    plan: MakePlan
    is_id: Callable[[str], bool]
    spell: Spell
    system: str | None
    structure: Check
    profile: Check

    @property
    def parameter(self) -> str:
        return self.resource_type[0].lower() + self.resource_type[1:]

    def each(self, interaction: Interaction) -> list[Interaction]:
        """Return the operation on each record, each once. Raises FhirError for what would be wrong with all of them."""
        parameters = {"resourceType": "Parameters"} if interaction.body in (None, {}) else interaction.body
        check_type(parameters, "Parameters")
        raise_errors(self.structure(parameters) or [*self.profile(parameters), *_changed_meanings(parameters)])
        ids = self._ids(parameters, interaction)
        kept = self._kept(parameters)
        parts = [parameters["parameter"][number] for number in kept]
        body = {name: value for name, value in parameters.items() if name != "parameter"}
        body |= {"parameter": parts} if parts else {}
        ones = [self._one(id_, number, body, interaction) for number, id_ in enumerate(ids)]
        self._check_parameters(ones, kept)
        return ones

    def _check_parameters(self, ones: Sequence[Interaction], kept: Sequence[int]) -> None:
        """Prepare the call of the first record that there may be: what is wrong with it is wrong with each."""
        first = next((self.plan(one) for one in ones if self.is_id(one.id)), None)
        try:
            if first is not None:
                next(first)
                first.close()
        except FhirError as error:
            raise _told_of(error, kept) from None

    def _kept(self, parameters: Json) -> list[int]:
        """The numbers of the parameters that name no record, and so are for each."""
        parts = enumerate(parameters.get("parameter", ()))
        return [number for number, part in parts if part["name"] not in (GROUP, self.parameter)]

    def answer(
        self, interaction: Interaction, ones: Sequence[Interaction], answers: Sequence[FhirResponse]
    ) -> FhirResponse:
        """Return what became of each, in the order of the request. All of them leave the same behind."""
        results = [self._result(one.id, answer) for one, answer in zip(ones, answers, strict=True)]
        kept = self._kept(interaction.body) if interaction.body else []
        lost = (_placed(issue, kept) for answer in answers for issue in answer.left_behind)
        resource = {"resourceType": "Parameters", "parameter": results}
        return FhirResponse(200, resource, left_behind=tuple(dict.fromkeys(lost)))

    def _ids(self, parameters: Json, interaction: Interaction) -> list[str]:
        """The ids of the records that are named, each once. Raises FhirError."""
        issues: list[Issue] = []
        ids: dict[str, None] = {}
        for expression, reference in self._named(parameters, interaction.now.date().isoformat()):
            id_ = self._id(reference, interaction.base_url)
            if id_ is None:
                issues.append(self._no_reference(expression))
            else:
                ids[self.spell(id_)] = None
        if not ids and not issues:
            text = (
                f"Name the records: `{self.parameter}`, a reference for each, or `{GROUP}`, a Group that has members."
            )
            issues.append(Issue("element-missing", "required", text, "Parameters.parameter"))
        if len(ids) > self.most:
            text = f"The operation takes {self.most} records at once; ask for the others by another request."
            issues.append(Issue("too-many", "too-costly", text, "Parameters.parameter"))
        raise_errors(issues)
        return list(ids)

    def _named(self, parameters: Json, today: str) -> Iterator[tuple[str, Json]]:
        """Yield each reference with its place; members of a Group that are no longer active, or members, are none."""
        for number, part in enumerate(parameters.get("parameter", ())):
            place = f"Parameters.parameter[{number}]"
            if part["name"] == self.parameter:
                yield f"{place}.value", part.get("valueReference", {})
            group = part.get("resource", {}) if part["name"] == GROUP else {}
            for index, member in enumerate(group.get("member", ()) if group.get("resourceType") == "Group" else ()):
                if member.get("inactive") is not True and not _has_ended(member.get("period", {}), today):
                    yield f"{place}.resource.member[{index}].entity", member["entity"]

    def _id(self, reference: Json, base_url: str) -> str | None:
        """The id of a record that a Reference names, by its address here or by the identifier that is the id."""
        identifier = reference.get("identifier", {})
        if self.system is not None and identifier.get("system") == self.system:
            return str(identifier.get("value") or "") or None
        relative = str(reference.get("reference", "")).removeprefix(f"{base_url}/")
        type_, _, id_ = relative.partition("/")
        return id_ if type_ == self.resource_type and id_ and "/" not in id_ else None

    def _no_reference(self, expression: str) -> Issue:
        by_identifier = f", or by an identifier of {self.system}" if self.system else ""
        text = f"A {self.resource_type} is named here by a reference, {self.resource_type}/<id>{by_identifier}."
        return Issue("value-not-allowed", "value", text, expression)

    def _one(self, id_: str, number: int, body: Json, interaction: Interaction) -> Interaction:
        request_id = entry_id(interaction, number)
        return replace(
            interaction,
            address=replace(interaction.address, base=self.partner, id=id_),
            body=body,
            request_id=request_id,
            uuid=str(uuid5(NAMESPACE_URL, request_id + interaction.uuid)),
        )

    def _result(self, id_: str, answer: FhirResponse) -> Json:
        name = "return" if answer.status_code < 400 else "outcome"
        told = [] if answer.resource is None else [{"name": name, "resource": answer.resource}]
        reference = {"reference": f"{self.resource_type}/{id_}"}
        status = {"name": "status", "valueInteger": answer.status_code}
        return {"name": "result", "part": [{"name": self.parameter, "valueReference": reference}, status, *told]}


def _has_ended(period: Json, today: str) -> bool:
    """Whether the last day of a Period is over; one that is told less exactly has its whole month, or year."""
    last = str(period.get("end", today))[: len(today)]
    return last < today[: len(last)]


def _changed_meanings(parameters: Json) -> list[Issue]:
    """What is said of a Group, or of a member of one, that changes what it means: nobody here knows how."""
    parts = enumerate(parameters.get("parameter", ()))
    groups = {f"Parameters.parameter[{number}].resource.member" for number, part in parts if part["name"] == GROUP}
    lost = [loss for loss in losses("4.0", parameters, groups, set()) if loss.modifies and ".resource." in loss.path]
    return [*modifier_extensions(parameters, "Parameters"), *left_behind(lost, "The bridge")]


def _told_of(error: FhirError, kept: Sequence[int]) -> FhirError:
    """Return an error of the parameters that each record gets, with their places among those that the client sent."""
    return FhirError(error.status_code, *(_placed(issue, kept) for issue in error.issues), headers=error.headers)


def _placed(issue: Issue, kept: Sequence[int]) -> Issue:
    def place(match: re.Match[str]) -> str:
        return f"Parameters.parameter[{kept[int(match[1])]}]"

    return replace(issue, expression=issue.expression and _OF_PARAMETER.sub(place, issue.expression))
