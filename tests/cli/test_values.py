import pytest

from pyheketi.cli import values

INTEGERS = {"10": 10, "+5": 5, "-5": -5, "0x10": 16, "0X1f": 31, "0b11": 3, "0o17": 15, "010": 8, "-010": -8}
INTEGERS |= {"1_0": 10, "0": 0, "00": 0, "0_7": 7, "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63)}
NO_INTEGERS = ("", " 5", "5 ", "abc", "10.5", "1e3", "08", "1__0", "_1", "1_", "0x", "--1", "٣", "5\n")
TOO_LARGE = ("9223372036854775808", "-9223372036854775809", "0x8000000000000000", "9" * 5000)

NUMBERS = {
    "1": 1.0,
    "1.5": 1.5,
    ".5": 0.5,
    "5.": 5.0,
    "1e3": 1000.0,
    "-2E-1": -0.2,
    "inf": float("inf"),
    "0x1p-2": 0.25,
}
NO_NUMBERS = ("", "x", "1_0", " 1", "1e", "e1", ".", "1\n", "0x1")

TEXTS = {
    "": (),
    "a": ("a",),
    "a,b": ("a", "b"),
    "a,": ("a", ""),
    ",": ("", ""),
    '"a,b",c': ("a,b", "c"),
    '"a""b"': ('a"b',),
}
NO_TEXTS = {
    'a"b': 'parse error on line 1, column 2: bare " in non-quoted-field',
    'x,a"b': 'parse error on line 1, column 4: bare " in non-quoted-field',
    '"a': 'parse error on line 1, column 3: extraneous or missing " in quoted-field',
}


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_true(text: str) -> None:
    assert values.boolean(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_false(text: str) -> None:
    assert values.boolean(text) is False


@pytest.mark.parametrize("text", ["", "yes", "tRUE", "2", "true "])
def test_no_boolean(text: str) -> None:
    with pytest.raises(values.Invalid, match=r"^strconv.ParseBool: parsing .*: invalid syntax$"):
        values.boolean(text)


@pytest.mark.parametrize(("text", "number"), INTEGERS.items())
def test_integers(text: str, number: int) -> None:
    assert values.integer(text) == number


@pytest.mark.parametrize("text", NO_INTEGERS)
def test_no_integer(text: str) -> None:
    with pytest.raises(values.Invalid, match=r"^strconv.ParseInt: parsing .*: invalid syntax$"):
        values.integer(text)


@pytest.mark.parametrize("text", TOO_LARGE)
def test_integer_out_of_range(text: str) -> None:
    with pytest.raises(values.Invalid, match=r"^strconv.ParseInt: parsing .*: value out of range$"):
        values.integer(text)


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_numbers(text: str, number: float) -> None:
    assert values.number(text) == number


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_no_number(text: str) -> None:
    with pytest.raises(values.Invalid, match=r"^strconv.ParseFloat: parsing .*: invalid syntax$"):
        values.number(text)


def test_number_out_of_range() -> None:
    with pytest.raises(values.Invalid, match=r'^strconv.ParseFloat: parsing "1e999": value out of range$'):
        values.number("1e999")


@pytest.mark.parametrize(("text", "items"), TEXTS.items())
def test_lists_of_texts(text: str, items: tuple[str, ...]) -> None:
    assert values.texts(text) == items


@pytest.mark.parametrize(("text", "complaint"), NO_TEXTS.items())
def test_no_list_of_texts(text: str, complaint: str) -> None:
    with pytest.raises(values.Invalid) as caught:
        values.texts(text)
    assert str(caught.value) == complaint
