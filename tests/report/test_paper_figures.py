"""Links from the figures of a paper to where their like is in the report."""

from recontrast.report.paper_figures import paper_figures

EXPERIMENTS = {"a": {"target": "FLAIR"}, "b": {"target": "FLAIR"}, "c": {"target": "T2w"}}


def session(number, **acquired):
    label = f"sub-{number}"
    done = {name: {"acquired": there} for name, there in acquired.items()}
    return {"session": label, "page": f"sessions/{label}.html", "done": done}


def addresses(shows, sessions, experiments=(), label="", examples=True):
    asked = {"shows": shows, "experiments": list(experiments), "session": label}
    ((figure),) = paper_figures({"Figure 1": asked}, sessions, EXPERIMENTS, examples=examples)
    assert figure["name"] == "Figure 1"
    return [link["address"].removeprefix("sessions/") for link in figure["links"]]


COHORT = [session(1, a=False), session(2, a=True, b=True, c=True), session(3, a=True)]


def test_the_first_session_that_has_it_stands_for_all():
    assert addresses("difference", COHORT, ["a", "b"]) == [
        "sub-2.html#experiment-a",
        "sub-2.html#experiment-b",
    ]
    assert addresses("absolute difference", COHORT, ["b"]) == ["sub-2.html?differences=absolute#experiment-b"]
    assert addresses("lesions", COHORT) == ["sub-2.html#lesions"]
    assert addresses("difference", [COHORT[2] | {"page": ""}], ["a"]) == []


def test_a_session_with_more_of_it_goes_before():
    first = session(1, a=True, b=False)
    assert addresses("difference", [first, *COHORT], ["a", "b"])[0] == "sub-2.html#experiment-a"


def test_a_session_may_be_named():
    assert addresses("maps", COHORT, ["a"], "sub-3") == ["sub-3.html#experiment-a"]
    assert addresses("maps", COHORT, ["c"], "sub-3") == []


def test_experiments_are_side_by_side_where_there_are_several():
    assert addresses("side by side", COHORT) == ["sub-2.html#beside-FLAIR", "sub-2.html#experiment-c"]


def test_curves_and_examples_are_on_the_first_page():
    assert addresses("curves", []) == ["#training"]
    assert addresses("lesion examples", []) == ["#lesions"]
    assert addresses("lesion examples", COHORT, examples=False) == []
