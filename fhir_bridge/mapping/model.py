"""The frozen dataclasses of one mapping file, as it was written.

What each key means is on the page docs/mapping-files.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhir_bridge.mapping.connecting import ConnectionSpec
from fhir_bridge.mapping.fields import Value, Variable
from fhir_bridge.mapping.source import Mark, Text

ANYTHING = "any"
"""In `silent:`: whatever the element holds, leaving it behind is no loss."""


@dataclass(frozen=True, slots=True)
class SliceSpec:
    """Which member of a list a name such as `name[official]` means: the one whose elements have these values."""

    mark: Mark
    path: str
    fixed: Mapping[Text, Text]
    otherwise_without: Text | None


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """One line of an `outcome:` table: what to tell the client when the Parameters hold the values of `when`."""

    when: Mapping[Text, Text]
    severity: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class RowSpec:
    """One row: a FHIR element and the partner's field. Exactly one of `at`, `path`, `value` and `outcome` is there."""

    mark: Mark
    element: str
    at: tuple[Text, ...] = ()
    path: Text | None = None
    value: Text | None = None
    otherwise: Value | None = None
    as_: Text | None = None
    codes: Text | None = None
    only: str = "both"
    required: bool = False
    clears: bool | None = None
    each: tuple[RowSpec, ...] = ()
    outcome: tuple[OutcomeLine, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderSource:
    """Where a header's text comes from: exactly one of these. `like` is the format that it must have to be taken."""

    header: Text | None
    element: Text | None
    text: Value | None
    new: str | None
    like: str | None


@dataclass(frozen=True, slots=True)
class MessageHeaderSpec:
    """What heads a message about a resource of a map: the event as `system#code`, and who sends it.

    `profiles` are those that resources in the message say they keep to, by their types.
    """

    mark: Mark
    event: Text
    source: tuple[HeaderSource, ...]
    profiles: Mapping[Text, Text]


@dataclass(frozen=True, slots=True)
class MapSpec:
    """One map: a resource type, its profile, and rows; or what heads a message about it."""

    mark: Mark
    name: str
    resource: Text
    profile: Text | None
    slices: tuple[SliceSpec, ...]
    rows: tuple[RowSpec, ...]
    silent: Mapping[Text, tuple[Text, ...]]
    tolerated: Mapping[Text, Text]
    header: MessageHeaderSpec | None = None


@dataclass(frozen=True, slots=True)
class IdField:
    """The partner's field that holds the id of the URL, and its transform."""

    mark: Mark
    at: Text
    as_: Text


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    """What a search says in a call, by the partner's name for it: exactly one of `most`, `is_offset` and `parameter`.

    `most`: how many records are wanted, and this many at most. `is_offset`: from which record on.
    """

    name: Text
    most: int | None = None
    is_offset: bool = False
    parameter: Text | None = None
    definition: Text | None = None
    as_: Text | None = None
    system: Text | None = None
    join: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class ConstantSpec:
    """What a field of `with` holds: a value, or a list of values; `as_` is how the partner has each."""

    values: tuple[Value, ...]
    is_list: bool
    as_: str = "text"


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent or received: a map, or a resource as it is; of an answer, it may be the id alone, or nothing.

    `profile` is another one than the map's, `with_` are fields that go with whatever is sent. `each` is where the
    items of a list are, `outer` the fields around an item that count as its own, `total` how many items there are.
    `text` is the field that an answer of bare text counts as, `links` says that a Bundle's links lead to the bridge.
    """

    mark: Mark
    map: Text | None
    as_it_is: bool
    at: Text | None
    id: IdField | None
    empty_is_success: bool
    profile: Text | None
    with_: Mapping[Text, ConstantSpec]
    each: Text | None = None
    outer: tuple[Text, ...] = ()
    total: Text | None = None
    text: Text | None = None
    links: bool = False


@dataclass(frozen=True, slots=True)
class CohortSpec:
    """That an operation of one record is one of several as well, `most` of them: its definition for several."""

    mark: Mark
    most: int
    definition: Text


@dataclass(frozen=True, slots=True)
class TogetherSpec:
    """How several records go in one call, `most` of them: as the items of the list `records`; `beside` are for all.

    Of the answer, `made`, `refused` and `repeated` are lists, whose items tell by `index` which record they are about.
    """

    mark: Mark
    most: int
    records: Text
    beside: tuple[Text, ...]
    made: Text
    refused: Text | None
    repeated: Text | None
    index: Text
    text: Text | None


@dataclass(frozen=True, slots=True)
class InteractionSpec:
    """One FHIR interaction and its call.

    A patch instead names the interactions that it `reads` and `writes` with; one that is carried out `as_` an update
    names that, and the create that it is where its body tells no id. One whose resource goes in the message that
    another takes names that, and by `message` the map of its resource. A create names by `with_id` the update that it
    is where its body tells an id, and by `location` the read of what is made. `then` names the read that tells what
    became of a change. An operation without a resource type is one of the whole base. An `anonymous`
    call carries nobody's token. A search says in its
    `query` and `body` what it is for; a `subsetted` one tells less of each record than a read.
    A read may have further calls that `adds` to the record. Several creates may be made `together`, and an operation
    may be carried out for a `cohort`. One that `needs` variables is offered where they are set.
    """

    mark: Mark
    key: str
    code: str
    resource_type: str
    operation: str | None
    also: tuple[str, ...]
    definition: Text | None
    method: str
    path: Text
    send: Content | None
    receive: Content | None
    id: Text | None
    headers: Mapping[Text, tuple[HeaderSource, ...]]
    repeat: str
    safe_without: tuple[Text, ...]
    reads: Text | None
    writes: Text | None
    as_: tuple[Text, ...]
    then: Text | None
    over: Text | None = None
    leaves: tuple[Text, ...] = ()
    anonymous: bool = False
    query: tuple[ArgumentSpec, ...] = ()
    body: tuple[ArgumentSpec, ...] = ()
    subsetted: bool = False
    message: Text | None = None
    with_id: Text | None = None
    location: Text | None = None
    adds: tuple[AddSpec, ...] = ()
    together: TogetherSpec | None = None
    needs: tuple[Variable, ...] = ()
    cohort: CohortSpec | None = None

    @property
    def makes_a_call(self) -> bool:
        """Whether it has a call of its own."""
        return self.code != "patch" and not self.as_


@dataclass(frozen=True, slots=True)
class AddSpec:
    """A further call of a read, and the statuses that leave out what it adds, in the place of an error."""

    spec: InteractionSpec
    without: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Saying:
    """What an answer means whose status and words fit; `status` and `text` may be empty: any."""

    text: tuple[str, ...]
    status: tuple[int, ...]
    answer: int | None
    code: str


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """Where a partner's error says what: fields of its body, and what its codes and words mean in FHIR."""

    text: tuple[str, ...] = ()
    code: str | None = None
    list_at: str | None = None
    item_field: str | None = None
    item_text: str | None = None
    item_code: str | None = None
    fields_at: str | None = None
    operation_outcome: bool = False
    codes: Mapping[str, str] | None = None
    says: tuple[Saying, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One partner. `versions` are FHIR versions: the first is what the partner's base speaks by default."""

    mark: Mark
    partner: str
    title: str
    versions: tuple[str, ...]
    connection: ConnectionSpec
    systems: tuple[str, ...]
    events: tuple[str, ...]
    id_like: str | None
    interactions: tuple[InteractionSpec, ...]
    maps: Mapping[str, MapSpec]
    errors: ErrorSpec
