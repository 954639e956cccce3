"""Loss curves of methods that train one thing, and of those that train two in turns."""

import pytest
from recontrast.report import figures

TURNS = {
    "training": ["0.5", "0.3", "0.2"],
    "discriminator": ["n/a", "1.4", "1.3"],
    "generator": ["0.5", "0.3", "0.2"],
}


@pytest.mark.parametrize(("turns", "dashed"), [(["training"], 0), (["discriminator", "generator"], 2)])
def test_every_loss_has_its_curve(tmp_path, turns, dashed):
    columns = {"epoch": ["1", "2", "3"]} | {name: TURNS[name] for name in turns}
    columns["validation"] = ["0.6", "0.4", "0.3"]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    figures.losses(tmp_path / "losses.svg", {"1": rows, "2": rows})
    drawn = (tmp_path / "losses.svg").read_text()
    assert drawn.count("stroke-dasharray") == dashed
    assert drawn.count("fold 2") == 1
