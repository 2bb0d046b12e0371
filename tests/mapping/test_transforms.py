"""Every named transform, in both directions."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_bridge.fhir.json import dumps, loads
from fhir_bridge.fhir.primitives import FORMATS
from fhir_bridge.mapping.transforms import TEXT_TYPES, TRANSFORMS, default_transform, find_transform
from fhir_bridge.outcome import Json


@pytest.mark.parametrize(
    ("name", "partner", "fhir"),
    [
        ("text", "Їжак 👩‍⚕️ e\u0301", "Їжак 👩‍⚕️ e\u0301"),
        ("text", " a  b ", " a  b "),
        ("date", "1980-02-29", "1980-02-29"),
        ("instant", "2017-04-20T19:14:13.0100+03:00", "2017-04-20T19:14:13.0100+03:00"),
        ("instant", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"),
        ("integer", 3, 3),
        ("integer", 70, 70),
        ("number", Decimal("61.50"), Decimal("61.50")),
        ("number", 61, 61),
        ("boolean", False, False),
        ("https", "https://x.example/#/a?b=c", "https://x.example/#/a?b=c"),
        ("digits", 42, "42"),
        ("digits", 0, "0"),
        ("digits", 10**18 - 1, "9" * 18),
        ("version", "2017-04-20T191413.01Z", "2017-04-20T191413.01Z"),
        ("epoch_s", 0, "1970-01-01T00:00:00Z"),
        ("epoch_s", 1772604367, "2026-03-04T06:06:07Z"),
        ("epoch_s", 253402300799, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_value_and_its_counterpart(name: str, partner: Json, fhir: Json) -> None:
    transform = TRANSFORMS[name]

    there, back = transform.to_fhir(partner), transform.to_partner(fhir)

    assert (there, back) == (fhir, partner)
    assert (str(there), str(back)) == (str(fhir), str(partner))


@pytest.mark.parametrize(
    ("fhir", "partner"),
    [
        ("2020-01-31T23:30:00-05:00", "2020-01-31"),
        ("2020-02-01T00:30:00+14:00", "2020-02-01"),
        ("2020-02-01T00:30:00Z", "2020-02-01"),
        ("1980-01-01", "1980-01-01"),
    ],
)
def test_a_date_is_the_date_part_as_it_is_written_and_not_shifted(fhir: str, partner: str) -> None:
    assert TRANSFORMS["date"].to_partner(fhir) == partner


def test_a_unix_time_is_the_same_moment_whatever_the_offset() -> None:
    assert TRANSFORMS["epoch_s"].to_partner("2026-03-04T08:06:07.000+02:00") == 1772604367


@pytest.mark.parametrize("whole", [Decimal("3.0"), Decimal("3E0"), Decimal("30E-1")])
def test_a_whole_number_may_be_written_with_a_fraction_of_zero(whole: Decimal) -> None:
    assert TRANSFORMS["integer"].to_fhir(whole) == TRANSFORMS["integer"].to_partner(whole) == 3


def test_a_decimal_is_a_number_unless_its_row_says_that_the_partner_takes_whole_ones() -> None:
    assert default_transform("decimal") == "number"
    with pytest.raises(ValueError, match="a whole number is expected here"):
        TRANSFORMS["integer"].to_partner(Decimal("70.5"))


@pytest.mark.parametrize(
    ("partner", "fhir"),
    [
        ("2017-04-20T19:14:13.01+03:00", "2017-04-20T191413.010300"),
        (7, "7"),
        ("№ 12/3 rev. b", "123rev.b"),
        ("9" * 64, "9" * 64),
    ],
)
def test_a_version_is_made_of_whatever_changes_with_the_record(partner: Json, fhir: str) -> None:
    """It is one of FHIR's ids, and need not be the partner's text."""
    assert TRANSFORMS["version"].to_fhir(partner) == fhir


NO_VERSION = "a version is expected here: a number, or text with at most 64 letters and digits"


@pytest.mark.parametrize(
    ("name", "partner", "why"),
    [
        ("text", 7, "text is expected here"),
        ("text", None, "text is expected here"),
        ("date", 19800101, "text is expected here"),
        ("date", "1980", "a full date is needed here: YYYY-MM-DD"),
        ("date", "1980-01-01T00:00:00Z", "a full date is needed here: YYYY-MM-DD"),
        ("date", "01.01.1980", "a full date is needed here: YYYY-MM-DD"),
        ("date", "1980-02-30", "there is no such day in the calendar"),
        ("date", "١٩٨٠-٠١-٠١", "there is no such day in the calendar"),
        ("instant", "2017-04-20", "a time with seconds and a zone is expected here"),
        ("instant", "2017-04-20T19:14:13", "a time with seconds and a zone is expected here"),
        ("instant", "2017-02-30T19:14:13Z", "there is no such day in the calendar"),
        ("instant", 1492715653, "text is expected here"),
        ("integer", "3", "a whole number is expected here"),
        ("integer", True, "a whole number is expected here"),
        ("integer", Decimal("3.5"), "a whole number is expected here"),
        ("integer", Decimal("1E+999999999"), "a whole number is expected here"),
        ("integer", 10**18, "a whole number is expected here"),
        ("number", "3", "a number is expected here"),
        ("number", False, "a number is expected here"),
        ("boolean", "true", "true or false is expected here"),
        ("boolean", 1, "true or false is expected here"),
        ("digits", "42", "a whole number is expected here"),
        ("digits", -1, "a number without a sign is expected here"),
        ("epoch_s", -1, "a Unix time in seconds is expected here"),
        ("epoch_s", 253402300800, "a Unix time in seconds is expected here"),
        ("epoch_s", "1772604367", "a whole number is expected here"),
        ("epoch_s", Decimal("0.5"), "a whole number is expected here"),
        ("version", "", NO_VERSION),
        ("version", "№ \n", NO_VERSION),
        ("version", "9" * 65, NO_VERSION),
        ("version", True, NO_VERSION),
        ("version", ["7"], NO_VERSION),
    ],
)
def test_what_a_partner_sends_in_another_shape_is_refused_without_its_value(name: str, partner: Json, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        TRANSFORMS[name].to_fhir(partner)


@pytest.mark.parametrize(
    ("name", "fhir", "why"),
    [
        ("date", "1980", "a full date is needed here: YYYY-MM-DD"),
        ("date", "1980-01", "a full date is needed here: YYYY-MM-DD"),
        ("instant", "1980-02-29", "a time with seconds and a zone is expected here"),
        ("digits", "042", "only digits are expected here, at most 18, the first of them not 0"),
        ("digits", "4 2", "only digits are expected here, at most 18, the first of them not 0"),
        ("digits", "٤٢", "only digits are expected here, at most 18, the first of them not 0"),
        ("digits", "9" * 19, "only digits are expected here, at most 18, the first of them not 0"),
        ("epoch_s", "2016-12-31T23:59:60Z", "a second that clocks have is needed here"),
        ("epoch_s", "2016-12-31T23:59:59.5Z", "whole seconds are needed here"),
    ],
)
def test_what_an_element_cannot_say_to_the_partner(name: str, fhir: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(why)}$"):
        TRANSFORMS[name].to_partner(fhir)


@pytest.mark.parametrize(
    ("fhir_type", "name"),
    [
        ("string", "text"),
        ("code", "text"),
        ("id", "text"),
        ("uri", "text"),
        ("markdown", "text"),
        ("date", "date"),
        ("instant", "instant"),
        ("boolean", "boolean"),
        ("decimal", "number"),
        ("integer", "integer"),
        ("positiveInt", "integer"),
        ("unsignedInt", "integer"),
        ("dateTime", None),
        ("time", None),
        ("base64Binary", None),
        ("xhtml", None),
    ],
)
def test_a_type_has_one_usual_transform_or_must_be_told(fhir_type: str, name: str | None) -> None:
    assert default_transform(fhir_type) == name


def test_a_text_type_is_one_whose_values_are_any_text() -> None:
    assert TRANSFORMS["text"].types == TEXT_TYPES <= FORMATS["4.0"].keys()


WHOLE = st.integers(-(10**18) + 1, 10**18 - 1)
PARTNER_VALUES = {
    "text": st.text(min_size=1),
    "date": st.dates().map(lambda day: day.isoformat()),
    "instant": st.builds(
        "{}T{:%H:%M:%S}{}{}".format,
        st.dates().map(lambda day: day.isoformat()),
        st.times(),
        st.sampled_from(["", ".5", ".123456789", ".000"]),
        st.sampled_from(["Z", "+00:00", "-05:30", "+14:00"]),
    ),
    "integer": WHOLE,
    "number": st.one_of(WHOLE, st.decimals(allow_nan=False, allow_infinity=False)),
    "boolean": st.booleans(),
    "https": st.text("abcXYZ019/?#&=.", min_size=1).map("https://x{}".format),
    "digits": st.integers(0, 10**18 - 1),
    "epoch_s": st.integers(0, 253402300799),
    "version": st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@given(data=st.data())
def test_every_transform_round_trips(name: str, data: st.DataObject) -> None:
    """Both ways, to the last digit, also through JSON text."""
    value = data.draw(PARTNER_VALUES[name])
    transform = TRANSFORMS[name]

    fhir = transform.to_fhir(value)
    again = (
        transform.to_fhir(loads(dumps(transform.to_partner(fhir))))
        if name != "text"
        else transform.to_fhir(transform.to_partner(fhir))
    )

    assert (transform.to_partner(fhir), again) == (value, fhir)
    assert str(transform.to_partner(fhir)) == str(value)


def test_a_reference_is_made_of_an_id_for_each_type() -> None:
    transform = find_transform("reference Patient")
    assert transform is not None

    assert (transform.to_fhir("42"), transform.to_partner("Patient/42")) == ("Patient/42", "42")
    assert find_transform("reference patient") is None
    assert find_transform("date") is TRANSFORMS["date"]
