from pabal.config.problem import Problem, Span, did_you_mean


def test_caret_stands_under_the_word() -> None:
    problem = Problem(
        "p.toml", Span(2, 3, 4), "unknown key `smpt`", "did you mean `smtp`?", "  smpt"
    )
    assert problem.render() == (
        "p.toml:2:3: unknown key `smpt`; did you mean `smtp`?\n"
        "    2 |   smpt\n"
        "      |   ^^^^"
    )


def test_hangul_takes_two_columns_before_the_caret() -> None:
    problem = Problem("p", Span(1, 3), "x", source="한글!")
    assert problem.render().splitlines()[-1] == "      |     ^"


def test_tabs_keep_the_caret_in_line() -> None:
    problem = Problem("p", Span(1, 2), "x", source="\ty")
    assert problem.render().splitlines()[-1] == "      | \t^"


def test_suggests_only_what_is_near() -> None:
    assert did_you_mean("hostnmae", ["hostname", "data"]) == "did you mean `hostname`?"
    assert did_you_mean("zzz", ["hostname"]) == ""


def test_facts_for_programs() -> None:
    facts = Problem("p", Span(1, 2, 3), "r", "s").facts()
    assert (facts["line"], facts["column"]) == (1, 2)
