from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recontrast import config
from recontrast.cohort import splits
from recontrast.errors import RecontrastError

SCHEMES = ("kfold", "holdout", "leave-one-out")
PEOPLE = st.sets(st.integers(0, 60), min_size=2, max_size=30).map(lambda s: {f"{n:02}" for n in s})
SETTINGS = st.builds(
    config.Splits,
    scheme=st.sampled_from(SCHEMES),
    folds=st.integers(2, 7),
    holdout=st.floats(0.05, 0.9),
    validation=st.integers(0, 5) | st.floats(0.01, 0.99),
    seed=st.integers(0, 5),
    include_new=st.booleans(),
)
RANDOM = st.randoms(use_true_random=False)


def spread(counts, folds):
    """By how much the sizes of some folds differ."""
    return max(counts[fold] for fold in folds) - min(counts[fold] for fold in folds)


@given(PEOPLE, SETTINGS, RANDOM)
def test_everyone_has_one_place(people, chosen, random):
    strata = {label: random.choice("AB") for label in people}
    made = splits.assign(list(people), chosen, None, strata)

    shuffled = random.sample(sorted(people), len(people))
    assert splits.assign(shuffled, chosen, None, strata) == made
    assert set(made.fold) == people
    assert sorted(row.rank for row in made.rows) == list(range(len(people)))
    for fold in [*made.folds, "all"]:
        tested = {label for label in people if made.fold[label] == fold}
        training, validation = set(made.training(fold)), set(made.validation(fold))
        assert training | validation | tested == people
        assert len(training) + len(validation) + len(tested) == len(people)
        assert training
        share = chosen.validation < 1 and chosen.validation
        wanted = max(1, int(share * len(people) + 0.5)) if share else chosen.validation
        assert len(validation) == min(wanted, len(people) - len(tested) - 1)


@given(PEOPLE, st.integers(2, 7), RANDOM)
def test_folds_are_balanced_in_all_and_in_each_stratum(people, folds, random):
    strata = {label: random.choice("AAAB") for label in people}
    made = splits.assign(list(people), config.Splits(folds=folds, stratify="site"), None, strata)
    assert len(made.folds) == min(folds, len(people))
    assert spread(Counter(made.fold.values()), made.folds) <= 1
    for stratum in "AB":
        inside = Counter(made.fold[label] for label in people if strata[label] == stratum)
        assert spread(inside, made.folds) <= 1


@given(PEOPLE, st.floats(0.05, 0.9), RANDOM)
def test_held_out_are_the_share_asked_for_in_each_stratum(people, share, random):
    strata = {label: random.choice("AB") for label in people}
    chosen = config.Splits(scheme="holdout", holdout=share, stratify="site")
    made = splits.assign(list(people), chosen, None, strata)
    held = [label for label in people if made.fold[label] == "1"]
    expected = min(max(1, round(share * len(people))), len(people) - 1)
    assert len(held) == expected
    for stratum in "AB":
        size = sum(strata[label] == stratum for label in people)
        assert abs(sum(strata[label] == stratum for label in held) - size * expected / len(people)) < 1.001


@given(PEOPLE, PEOPLE, SETTINGS)
def test_nobody_moves_when_others_come_or_go(before, after, chosen):
    first = splits.assign(list(before), chosen)
    try:
        second = splits.assign(list(after), chosen, first)
    except RecontrastError:
        assert not before & after
        assert not chosen.include_new
        return
    assert set(second.fold) == after
    for label in before & after:
        assert second.fold[label] == first.fold[label]
    newcomers = after - before
    kept = {row.participant: row.rank for row in first.rows}
    assert all(row.rank == kept[row.participant] for row in second.rows if row.participant in kept)
    assert all(row.rank >= len(before) for row in second.rows if row.participant in newcomers)
    for label in newcomers:
        if not chosen.include_new:
            assert second.fold[label] == "new"
        elif chosen.scheme == "holdout":
            assert second.fold[label] == "training"
        else:
            assert second.fold[label] in second.folds
    if chosen.include_new and chosen.scheme == "leave-one-out":
        assert len(set(second.fold.values())) == len(after)

    back = splits.assign(list(before | after), chosen, second)
    assert {label: back.fold[label] for label in before} == first.fold


@given(PEOPLE, st.integers(1, 9), SETTINGS)
def test_new_participants_change_no_training_unless_asked(people, count, chosen):
    first = splits.assign(list(people), chosen)
    newcomers = {f"new{n}" for n in range(count)}
    second = splits.assign([*people, *newcomers], chosen.model_copy(update={"include_new": False}), first)
    for fold in [*first.folds, "all"]:
        assert second.training(fold) == first.training(fold)
        assert second.validation(fold) == first.validation(fold)

    joined = splits.assign([*people, *newcomers], chosen.model_copy(update={"include_new": True}), second)
    assert newcomers <= {*joined.training("all"), *joined.validation("all")}
    assert {label: joined.fold[label] for label in people} == first.fold


@given(PEOPLE, st.integers(2, 7), st.integers(1, 9))
def test_newcomers_keep_folds_balanced(people, folds, count):
    chosen = config.Splits(folds=folds, include_new=True)
    first = splits.assign(list(people), chosen)
    second = splits.assign([*people, *(f"new{n}" for n in range(count))], chosen, first)
    assert spread(Counter(second.fold.values()), second.folds) <= 1
    assert len(second.folds) == min(folds, len(people) + count)


def test_newcomers_keep_each_stratum_balanced():
    strata = {f"{n:02}": "A" if n < 3 else "B" for n in range(10)}
    chosen = config.Splits(folds=5, stratify="site", include_new=True)
    first = splits.assign(list(strata), chosen, None, strata)
    strata |= {"new0": "A", "new1": "A"}
    second = splits.assign(list(strata), chosen, first, strata)
    inside = Counter(second.fold[label] for label in strata if strata[label] == "A")
    assert inside == dict.fromkeys("12345", 1)


@given(PEOPLE, SETTINGS, RANDOM)
def test_those_who_cannot_be_used_take_no_part_and_nobody_moves(people, chosen, random):
    made = splits.assign(list(people), chosen)
    usable = {label for label in people if random.random() < 0.7}
    for fold in [*made.folds, "all"]:
        others = {label for label in usable if made.fold[label] != fold}
        training, validation = made.training(fold, usable), made.validation(fold, usable)
        assert {*training, *validation} == others
        assert len(training) + len(validation) == len(others)
        assert bool(training) == bool(others)


@settings(max_examples=20)
@given(PEOPLE, SETTINGS)
def test_written_and_read_again(tmp_path_factory, people, chosen):
    path = tmp_path_factory.mktemp("splits") / "cohort/splits.tsv"
    made = splits.assign(list(people), chosen, None, {min(people): "site A"})
    made.write(path)
    assert splits.read(path) == made


@given(PEOPLE, PEOPLE, SETTINGS, RANDOM)
def test_who_never_trains_is_in_no_fold_and_moves_nobody(people, later, chosen, random):
    never = {label for label in people if random.random() < 0.3}
    if len(people - never) < 2:
        return
    chosen = chosen.model_copy(update={"never_train": tuple(sorted(never))})
    made = splits.assign(list(people), chosen)
    assert {label for label, fold in made.fold.items() if fold == "never"} == never
    alone = splits.assign(list(people - never), chosen)
    for fold in [*made.folds, "all"]:
        assert made.training(fold) == alone.training(fold)
        assert made.validation(fold) == alone.validation(fold)

    joined = splits.assign(list(people | later), chosen.model_copy(update={"include_new": True}), made)
    assert {label: joined.fold[label] for label in people} == made.fold
    # Whom the study names later leaves the fold, and comes back as anyone who is new; nobody else moves.
    (first, *_) = sorted(people - never)
    named = (
        splits.assign(
            list(people), chosen.model_copy(update={"never_train": (*chosen.never_train, first)}), alone
        )
        if len(people - never) > 2
        else made
    )
    assert all(named.fold[label] == made.fold[label] for label in people - {first})
    back = splits.assign(list(people), chosen.model_copy(update={"include_new": False}), named)
    assert back.fold == named.fold | ({first: "new"} if named is not made else {})


@given(PEOPLE, PEOPLE, SETTINGS, RANDOM)
def test_named_people_are_held_out_and_no_others(people, later, chosen, random):
    named = random.sample(sorted(people), random.randint(1, len(people) - 1))
    chosen = chosen.model_copy(update={"scheme": "holdout", "test": tuple(named)})
    made = splits.assign(list(people), chosen)
    assert {label for label, fold in made.fold.items() if fold == "1"} == set(named)
    assert set(made.fold.values()) == {"1", "training"}
    grown = splits.assign(list(people | later), chosen, made)
    assert {label: grown.fold[label] for label in people} == made.fold


def test_one_who_is_named_and_comes_late_is_held_out():
    chosen = config.Splits(scheme="holdout", test=["sub-c"])
    first = splits.assign(["a", "b"], chosen)
    assert first.folds == []
    assert splits.assign(["a", "b", "c"], chosen, first).fold["c"] == "1"
    with pytest.raises(RecontrastError, match="leaves no participants for training"):
        splits.assign(["a", "b"], config.Splits(scheme="holdout", test=["a", "b"]))


def test_the_share_that_validates_is_rounded_half_up():
    people = [f"{n:02}" for n in range(10)]
    for share, count in ((0.16, 2), (0.15, 2), (0.14, 1), (0.01, 1), (0.25, 3)):
        made = splits.assign(people, config.Splits(scheme="holdout", holdout=0.2, validation=share))
        assert len(made.validation("1")) == count
        newcomers = splits.assign([*people, "x", "y", "z"], made.settings, made)
        assert newcomers.validation("1") == made.validation("1")
    assert len(made.validation("1", set(people[:6]))) == 2  # a quarter of those who can be used


def test_inner_validation_is_the_first_of_the_next_fold():
    made = splits.assign([f"{n:02}" for n in range(12)], config.Splits(folds=3, validation=2))
    for fold, following in (("1", "2"), ("2", "3"), ("3", "1")):
        inside = [row for row in made.rows if row.fold == following]
        assert made.validation(fold) == [r.participant for r in sorted(inside, key=lambda r: r.rank)[:2]]
    assert made.validation("all") == [r.participant for r in sorted(made.rows, key=lambda r: r.rank)[:2]]


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"seed": 2}, True),
        ({"folds": 3}, True),
        ({"scheme": "leave-one-out"}, True),
        ({"stratify": "site"}, True),
        ({"validation": 3}, False),
        ({"validation": 0.2}, False),
        ({"never_train": ["99"]}, False),
        ({"scheme": "holdout", "test": ["03"]}, True),
        ({"include_new": True}, False),
        ({"holdout": 0.5}, False),
    ],
)
def test_settings_that_deal_anew(change, anew):
    people = [f"{n:02}" for n in range(20)]
    strata = {label: "AB"[int(label) % 3 == 0] for label in people}
    first = splits.assign(people[:15], config.Splits())
    second = splits.assign(people, config.Splits(**change), first, strata)
    assert ({label: second.fold[label] for label in people[:15]} != first.fold) == anew
    if anew:
        assert second == splits.assign(people, config.Splits(**change), None, strata)


@pytest.mark.parametrize(("people", "said"), [([], "no participants"), (["01"], "only 1 participant with")])
def test_too_few_participants(people, said):
    with pytest.raises(RecontrastError, match=said):
        splits.assign(people, config.Splits())


def test_nobody_may_train():
    with pytest.raises(RecontrastError, match="include_new: true"):
        splits.assign(["03", "04"], config.Splits(never_train=["03", "04"]))
    first = splits.assign(["01", "02"], config.Splits())
    assert splits.assign(["03", "04"], config.Splits(), first).training(splits.ALL) == []
    assert splits.assign(["03", "04"], config.Splits(include_new=True), first).folds


def test_of_a_part_of_the_cohort_everyone_keeps_the_fold():
    chosen = config.Splits(scheme="holdout", test=["02"])
    first = splits.assign(["01", "02", "03"], chosen)
    for label in ("01", "02"):
        assert splits.assign([label], chosen, first).fold == {label: first.fold[label]}


@given(PEOPLE, SETTINGS)
def test_who_cannot_be_used_yet_has_a_place_when_mended(people, chosen):
    waiting = [f"w{n}" for n in range(3)]
    first = splits.assign(people, chosen, waiting=waiting)
    assert first.fold == splits.assign(people, chosen).fold
    mended = splits.assign([*people, *waiting], chosen, first)
    assert {label: mended.fold[label] for label in people} == first.fold
    assert {mended.fold[label] for label in waiting} <= {*mended.folds, splits.TRAINING}


def test_splits_brought_along_hold(tmp_path):
    path = tmp_path / "splits.tsv"
    path.write_text("participant_id\tfold\nsub-b\t1\nsub-a\t2\nsub-c\ttraining\nsub-d\tnew\n")
    brought = splits.read(path)
    made = splits.assign(["a", "b", "c", "d", "e"], config.Splits(scheme="leave-one-out"), brought)
    assert made.fold == {"b": "1", "a": "2", "c": "training", "d": "new", "e": "new"}
    assert made.folds == ["1", "2"]
    assert (made.training("1"), made.validation("1")) == (["a"], ["c"])


def test_a_fold_edited_by_hand_stays(tmp_path):
    path = tmp_path / "splits.tsv"
    made = splits.assign(["a", "b", "c", "d"], config.Splits(folds=2))
    made.write(path)
    moved = "2" if made.fold["a"] == "1" else "1"
    path.write_text(path.read_text().replace(f"sub-a\t{made.fold['a']}", f"sub-a\t{moved}"))
    assert splits.assign(["a", "b", "c", "d"], config.Splits(folds=2), splits.read(path)).fold["a"] == moved


HEAD = "participant_id\tfold\trank\tstratum\n"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "has no rows"),
        ("who\tfold\nsub-a\t1\n", "lacks the columns participant_id and fold"),
        (HEAD + "sub-a\t0\t0\tn/a\n", "line 2: fold '0'"),
        (HEAD + "sub-a\t1\t0\tn/a\nsub-b\tone\t1\tn/a\n", "line 3: fold 'one'"),
        (HEAD + "sub-a\t1\t-1\tn/a\n", "line 2: rank '-1'"),
        (HEAD + "sub-a\n", "line 2: fold ''"),
        (HEAD + "sub-a_b\t1\t0\tn/a\n", "line 2: 'sub-a_b' is not a valid participant label"),
        (HEAD + "sub-a\t1\t0\tn/a\na\t2\t1\tn/a\n", "has participant a 2 times"),
        (HEAD + "sub-a\t1\t0\tn/a\nsub-b\t2\t0\tn/a\n", "has rank 0 2 times"),
        ("\ud800", "cannot be read as a table"),
    ],
)
def test_a_damaged_table(tmp_path, table, said):
    path = tmp_path / "splits.tsv"
    path.write_bytes(table.encode(errors="surrogatepass"))
    with pytest.raises(RecontrastError, match=said) as error:
        splits.read(path)
    assert error.value.file == str(path)


@pytest.mark.parametrize("content", ["", "[]", '{"folds": 1}', '{"seeds": 1}'])
def test_damaged_settings(tmp_path, content):
    splits.assign(["a", "b"], config.Splits()).write(tmp_path / "splits.tsv")
    (tmp_path / "splits.json").write_text(content)
    with pytest.raises(RecontrastError, match=r"splits\.json: does not contain the settings"):
        splits.read(tmp_path / "splits.tsv")


def test_no_splits_yet(tmp_path):
    assert splits.read(tmp_path / "splits.tsv") is None
