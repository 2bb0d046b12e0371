"""What a search says in a partner's call: which page is wanted, and the parameters that the partner can search by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhir_bridge.fhir.interaction import Interaction
from fhir_bridge.fhir.search import Page, read_page
from fhir_bridge.mapping.like import Spell
from fhir_bridge.mapping.partner_fields import Constant, PartnerField
from fhir_bridge.mapping.sending import Pair, Sending
from fhir_bridge.mapping.source import Mark
from fhir_bridge.mapping.transforms import TRANSFORMS
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
        values = [self.read(text) for text in _parts(texts[0], ",")]
        if self.join is not None:
            return _joined([str(value) for value in values], self.join)
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


def _joined(values: list[str], join: str) -> str:
    """The values in one text; raises ValueError where the partner would take one of them for two."""
    if any(join in value for value in values):
        raise ValueError(f"it holds `{join}`, which stands between two values at the partner")
    return join.join(values)


def _parts(text: str, separator: str) -> list[str]:
    """The parts between separators that no backslash stands before. https://hl7.org/fhir/R4/search.html#escaping"""
    return re.split(rf"(?<!\\){re.escape(separator)}", text)


def read_text(text: str) -> str:
    """Read a string, or a URI: its text, without the backslashes before what would part it."""
    return re.sub(r"\\([\\,|$])", r"\1", text)


def read_reference(type_name: str, is_id: Callable[[str], bool], spell: Spell = str) -> Callable[[str], str]:
    """Return the reading of a reference: `Patient/1` and `1` are `1`.

    https://hl7.org/fhir/R4/search.html#reference
    """

    def read(text: str) -> str:
        before, slash, id_ = text.rpartition("/")
        if slash and before != type_name:
            raise ValueError(f"a reference is expected here, {type_name}/[id]")
        if not is_id(id_):
            raise ValueError(f"no {type_name} at the partner can have this id")
        return spell(id_)

    return read


def read_token(system: str | None, codes: Iterable[str]) -> Callable[[str], str]:
    """Return the reading of a token: `code`, or `system|code`. https://hl7.org/fhir/R4/search.html#token"""
    known = tuple(codes)

    def read(text: str) -> str:
        *before, code = [read_text(part) for part in _parts(text, "|")]
        if before and before != [system]:
            raise ValueError(f"its codes are of {system}" if system else "it has no system; leave out all before `|`")
        if known and code not in known:
            raise ValueError(f"it is one of {', '.join(f'`{each}`' for each in known)}")
        return code

    return read


_PREFIX = re.compile(r"(eq|ne|gt|ge|lt|le|sa|eb|ap)(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")


def read_date(text: str) -> str:
    """Read one day. https://hl7.org/fhir/R4/search.html#date"""
    return str(TRANSFORMS["date"].to_fhir(_equal(text, "one day, YYYY-MM-DD")))


def read_number(text: str) -> str:
    """Read a number. https://hl7.org/fhir/R4/search.html#number"""
    number = _equal(text, "one number")
    if not _NUMBER.fullmatch(number):
        raise ValueError("a number is needed here")
    return number


def _equal(text: str, hint: str) -> str:
    """What stands behind the prefix `eq`, or behind none; raises ValueError for another prefix: none can be asked for.

    https://hl7.org/fhir/R4/search.html#prefix
    """
    match = _PREFIX.fullmatch(text)
    if match is not None and match[1] != "eq":
        raise ValueError(f"the partner cannot be asked by `{match[1]}`; ask for {hint}")
    return text if match is None else match[2]
