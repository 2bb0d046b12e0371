"""The named text formats, of headers and of a partner's ids."""

import pytest

from fhir_bridge.mapping.like import LIKE, is_id

UUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"


@pytest.mark.parametrize(
    ("like", "text", "taken"),
    [
        ("uuid", UUID, UUID),
        ("uuid", UUID.upper(), UUID.upper()),
        ("uuid", f"urn:uuid:{UUID}", None),
        ("uuid", UUID.replace("-", ""), None),
        ("uuid", f"{UUID}\n", None),
        ("oid", "1.2.840", "1.2.840"),
        ("oid", "urn:oid:2.16.724.4.2", "2.16.724.4.2"),
        ("oid", "1.02", None),
        ("oid", "3.1", None),
        ("oid", "http://roche.example", None),
        ("positive-integer", "42", "42"),
        ("positive-integer", "9" * 18, "9" * 18),
        ("positive-integer", "9" * 19, None),
        ("positive-integer", "0", None),
        ("positive-integer", "042", None),
        ("positive-integer", "+42", None),
        ("positive-integer", "٤٢", None),
    ],
)
def test_a_text_of_a_format_is_taken_as_the_partner_wants_it(like: str, text: str, taken: str | None) -> None:
    assert LIKE[like](text) == taken


@pytest.mark.parametrize(
    ("text", "like", "possible"),
    [
        ("42", None, True),
        ("a-1.B", None, True),
        ("a" * 64, None, True),
        ("a" * 65, None, False),
        ("..", None, False),
        (".", None, False),
        ("a/b", None, False),
        ("", None, False),
        ("42", "positive-integer", True),
        ("042", "positive-integer", False),
        (UUID, "uuid", True),
        ("42", "uuid", False),
        ("urn:oid:1.2", "oid", False),
    ],
)
def test_an_id_is_fhirs_and_of_the_partners_format(text: str, like: str | None, possible: bool) -> None:
    assert is_id(text, like) is possible
