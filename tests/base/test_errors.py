from pabal.base import errors


def test_an_operator_is_told_what_and_the_fix() -> None:
    error = errors.OperatorError("no such thing.", "Make one.")
    assert str(error) == "no such thing. Make one."
    assert (error.what, error.fix) == ("no such thing.", "Make one.")
    assert str(errors.OperatorError("no such thing.")) == "no such thing."


def test_every_error_has_one_root() -> None:
    for value in vars(errors).values():
        if isinstance(value, type):
            assert issubclass(value, errors.PabalError)
