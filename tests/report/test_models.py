"""What the report knows of models: from their cards, else from the plan."""

from pathlib import Path

import pytest
from recontrast import images, layout
from recontrast.models import pseudonyms
from recontrast.report.models import kind_of, models_of

PLAN = {
    "experiments": {"fcn": {"code": "new", "folds": {"all": {"training": ["sub-01"]}, "10": {}, "2": {}}}},
    "sessions": [{"experiments": {"fcn": {"model": "fcnFromT1w", "fold": "2"}}}],
}


def test_cards_tell_more_than_the_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    card = {
        "fingerprint": "old",
        "best_epoch": 7,
        "parameters": 1234,
        "sessions": [
            {"session": "sub-02_ses-1", "role": "training"},
            {"session": "sub-03", "role": "validation"},
        ],
    }
    images.write_json(layout.fill(layout.MODEL_CARD, experiment="fcn", fold="2"), card)
    models = models_of(PLAN)
    assert list(models) == [("fcn", "2"), ("fcn", "10"), ("fcn", "all"), ("fcnFromT1w", "2")]
    read = models["fcn", "2"]
    assert (read["training"], read["validation"], read["older"]) == (["sub-02_ses-1"], ["sub-03"], True)
    assert (read["best_epoch"], read["parameters"]) == (7, 1234)
    assert models["fcn", "all"]["training"] == ["sub-01"]
    assert not models["fcn", "all"]["older"]
    images.write_json(
        layout.fill(layout.MODEL_CARD, experiment="fcn", fold="2"),
        card | {"fingerprint": "new", "constants": {"contains_images": True}},
    )
    assert (models["fcn", "2"]["holds_images"], models_of(PLAN)["fcn", "2"]["holds_images"]) == (False, True)
    assert not models_of(PLAN)["fcn", "2"]["older"]


def test_people_are_read_by_the_key_of_the_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pseudonyms.ensure(Path(layout.PSEUDONYMS), ["a1", "b2"])
    key = pseudonyms.read(Path(layout.PSEUDONYMS))
    sessions = [
        {kind: pseudonyms.pseudonym(key, label) for kind, label in said.items()} | {"role": "training"}
        for said in (
            {"session": "sub-02_ses-1", "participant": "sub-02"},
            {"session": "sub-02_ses-9", "participant": "sub-02"},  # a visit that is gone
        )
    ]
    card = layout.fill(layout.MODEL_CARD, experiment="fcn", fold="2")
    known = {"participant_id": "sub-02", "session": "sub-02_ses-1", "experiments": {}}
    images.write_json(card, {"sessions": sessions})
    plan = PLAN | {"sessions": [known]}
    assert models_of(plan)["fcn", "2"]["training"] == ["sub-02_ses-1", "sub-02"]
    for damaged in ("[]", "{", '{"sessions": 1}'):  # is told by `verify`
        Path(card).write_text(damaged)
        assert models_of(plan)["fcn", "2"]["training"] == []


@pytest.mark.parametrize(
    ("acquired", "training", "validation", "kind"),
    [
        (False, ["sub-01"], [], "imputed"),
        (True, ["sub-02"], ["sub-03"], "out of fold"),
        (True, ["sub-02", "sub-01_ses-2"], [], "seen in training"),
        (True, ["sub-02"], ["sub-01_ses-1"], "seen in training"),
    ],
)
def test_what_a_model_has_seen_is_said(acquired, training, validation, kind):
    session = {"participant_id": "sub-01", "session": "sub-01_ses-1"}
    assert kind_of({"acquired": acquired}, session, {"training": training, "validation": validation}) == kind
