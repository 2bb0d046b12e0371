"""What a search says in a partner's call: which page is wanted, and the parameters that the partner can search by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.search import Page, read_page
from fhir_bridge.mapping.partner_fields import Constant, PartnerField
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.mapping.source import Mark
from fhir_bridge.outcome import Issue, Json


@dataclass(frozen=True, slots=True)
class Argument:
    """One search parameter and the field that says it, in the body or in the query of the address.

    `read` makes the partner's value of one value of FHIR; it raises ValueError. Several values are put together with
    `join`; without it there may be one.
    """

    mark: Mark
    parameter: str
    field: PartnerField
    in_body: bool
    read: Callable[[str], Json]
    join: str | None = None
    required: bool = False

    def send(self, given: Iterable[str], sending: Sending) -> None:
        """Write what the search gives; what cannot be sent becomes an issue."""
        texts = [text for text in given if text]
        if not texts:
            if self.required:
                text = f"`{self.parameter}` is needed: the partner finds nothing without it."
                sending.issues.append(Issue("element-missing", "required", text, self.place))
            return
        try:
            self._put(sending, self._value(texts))
        except ValueError as error:
            text = f"`{self.parameter}` cannot be searched for so: {error}."
            sending.issues.append(Issue("value-not-allowed", "value", text, self.place))

    def _value(self, texts: list[str]) -> Json:
        if len(texts) > 1:
            raise ValueError("give it once; values with commas between them mean `or`")
        values = [self.read(text) for text in texts[0].split(",")]
        if self.join is not None:
            return self.join.join(str(value) for value in values)
        if len(values) > 1:
            raise ValueError("the partner takes one value")
        return values[0]

    def _put(self, sending: Sending, value: Json) -> None:
        if self.in_body:
            self.field.put(sending.body, value)
        else:
            sending.query.append((".".join(self.field.keys), str(value)))

    @property
    def place(self) -> str:
        return f"http.{self.parameter}"

    def pair(self) -> Pair:
        return Pair(self.place, self.field.keys, None, self.mark)


@dataclass(frozen=True, slots=True)
class PageArgument:
    """How many records the partner is asked for (`most` at most), or, without `most`, from which of them on."""

    field: PartnerField
    in_body: bool
    most: int | None = None

    def send(self, page: Page, sending: Sending) -> None:
        number = page.offset if self.most is None else max(1, page.size or 0)
        if self.in_body:
            self.field.put(sending.body, number)
        else:
            sending.query.append((".".join(self.field.keys), str(number)))


@dataclass(frozen=True, slots=True)
class Arguments:
    """All that a search says in a call; `constants` are fields of the body that each such call has."""

    arguments: tuple[Argument, ...] = ()
    pages: tuple[PageArgument, ...] = ()
    constants: tuple[Constant, ...] = ()

    def names(self) -> list[str]:
        """Return the search parameters that are known."""
        return [argument.parameter for argument in self.arguments]

    def page(self, interaction: Interaction) -> Page:
        """Return the page that the partner is asked for; where it has no pages, the one that the client wants."""
        page = read_page(interaction.query)
        most = next((argument.most for argument in self.pages if argument.most is not None), None)
        if most is None:
            return page
        return page._replace(size=most if page.size is None else min(page.size, most))

    def cuts_pages(self) -> bool:
        """Whether the partner sends the page that is asked for, and not everything."""
        return bool(self.pages)

    def send(self, interaction: Interaction) -> Sending:
        """Return what the call says; what cannot be searched for stands in its `issues`."""
        sending = Sending()
        for constant in self.constants:
            constant.field.put(sending.body, constant.value)
        given: dict[str, list[str]] = {}
        for name, text in interaction.query:
            given.setdefault(name, []).append(text)
        for argument in self.arguments:
            argument.send(given.get(argument.parameter, ()), sending)
        for paging in self.pages:
            paging.send(self.page(interaction), sending)
        return sending

    def pairs(self) -> list[Pair]:
        return [argument.pair() for argument in self.arguments]


def read_reference(type_name: str, is_id: Callable[[str], bool]) -> Callable[[str], str]:
    """Return the reading of a reference: `Patient/1` and `1` are `1`.

    https://hl7.org/fhir/R4/search.html#reference
    """

    def read(text: str) -> str:
        before, slash, id_ = text.rpartition("/")
        if slash and before != type_name:
            raise ValueError(f"a reference is expected here, {type_name}/[id]")
        if not is_id(id_):
            raise ValueError(f"no {type_name} at the partner can have this id")
        return id_

    return read


def read_token(system: str | None, codes: Iterable[str]) -> Callable[[str], str]:
    """Return the reading of a token: `code`, or `system|code`. https://hl7.org/fhir/R4/search.html#token"""
    known = tuple(codes)

    def read(text: str) -> str:
        before, bar, code = text.rpartition("|")
        if bar and before != system:
            raise ValueError(f"its codes are of {system}" if system else "it has no system; leave out all before `|`")
        if known and code not in known:
            raise ValueError(f"it is one of {', '.join(f'`{each}`' for each in known)}")
        return code

    return read
