"""What the hub states: of what its partners offer, that which can tell the partner."""

from fhir_bridge.fhir.interaction import Address, Interaction
from fhir_bridge.mapping.stating import Server, capabilities
from fhir_bridge.outcome import Json
from tests.mapping.test_routes import HUB


def stated(base: str | None) -> Json:
    """Return the one `rest` of a statement."""
    partners = [each for each in HUB.configured() if base in (None, each.name)]
    interaction = Interaction("capabilities", Address(base, special="metadata"), "4.0")
    (rest,) = capabilities(HUB, partners, interaction, Server("1.2.3", None, cors=False))["rest"]
    return rest


def operations(base: str | None) -> list[str]:
    rest = stated(base)
    of_types = [each for resource in rest["resource"] for each in resource["operation"]]
    return [each["name"] for each in [*of_types, *rest["operation"]] if each["name"] != "validate"]


def test_an_operation_that_several_partners_have_tells_none_of_them() -> None:
    assert operations("north") == ["north-order", "order", "process-message", "versions"]
    assert operations(None) == ["north-order", "south-order", "versions"]


def test_a_partners_own_base_needs_no_word_on_how_to_find_it() -> None:
    assert "documentation" not in stated("north")
    assert stated(None)["documentation"].startswith("A request is for the partner that it tells")
