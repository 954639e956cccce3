"""Loss curves of one or two losses; dots of participants, paired."""

import re

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
    # And in the legend, where there are two.
    assert drawn.count("stroke-dasharray") == dashed + dashed // 2
    assert all((f">{name}<" in drawn) == (dashed > 0) for name in turns)
    assert drawn.count("fold 2") == 1


def test_curves_of_many_epochs_stay_light_and_keep_their_spikes(tmp_path):
    values = [0.1 + 0.01 * (n % 7) for n in range(5000)]
    values[3333] = 9.0
    rows = [{"epoch": str(n), "training": str(v), "validation": str(v)} for n, v in enumerate(values)]
    figures.losses(tmp_path / "losses.svg", {str(fold): rows for fold in range(5)})
    drawn = tmp_path / "losses.svg"
    assert drawn.stat().st_size < 100_000
    assert ">5<" in drawn.read_text()  # the axis reaches the spike


def drawn_lines(figure):
    """The joined points of every line in the colour of pairs, as numbers of points."""
    lines = re.findall(r'<path d="([^"]*)"[^>]*style="[^"]*stroke: #5a6675[^"]*stroke-width: 0.5', figure)
    return [re.findall("[ML]", line) for line in lines]


def test_many_panels_of_volumes_stand_below_each_other(tmp_path):
    sizes = {}
    for count in (1, 5, 12):
        figures.agreement(tmp_path / "volumes.svg", {str(n): [(1.0, 2.0), (3.0, 3.5)] for n in range(count)})
        drawn = (tmp_path / "volumes.svg").read_text()
        sizes[count] = [float(side) for side in re.findall(r'(?:width|height)="([\d.]+)pt"', drawn)[:2]]
        assert all(f">{n}, n = 2<" in drawn for n in range(count))
    (width, height), (wide, low), (same, high) = sizes.values()
    assert (wide / width, low / height) == pytest.approx((5, 1))
    assert (same / width, high / height) == pytest.approx((5, 3))


def test_dots_of_a_participant_are_joined_where_experiments_share_a_target(tmp_path):
    targets = {"a": "FLAIR", "other": "T2w", "b": "FLAIR", "c": "FLAIR"}
    scores = [
        {"experiment": name, "region": "region", "metric": "psnr", "fold": "1"}
        | {"participant_id": who, "value": str(20 + number + len(who))}
        for number, name in enumerate(targets)
        for who in ("sub-1", "sub-22", "sub-333")
        if (name, who) != ("c", "sub-1")
    ]
    figures.dots(tmp_path / "dots.svg", scores, ["psnr"], targets)
    drawn = (tmp_path / "dots.svg").read_text()
    # FLAIR: two people in three experiments, one in two of them; the other target has nothing to join.
    assert sorted(map(len, drawn_lines(drawn))) == [2, 3, 3]
    assert all(f">{name}<" in drawn for name in targets)
    before = drawn
    of_a_paper = [row | {"metric": metric} for row in scores for metric in ("wei_mse", "mse")]
    figures.dots(tmp_path / "two.svg", of_a_paper, ["wei_mse", "mse"], targets)
    assert ">MSE, Wei<" in (tmp_path / "two.svg").read_text()
    of_everyone = [{**row, "fold": "all", "value": "99"} for row in scores[:1]]
    figures.dots(tmp_path / "dots.svg", scores + of_everyone, ["psnr"], targets)
    assert drawn_lines((tmp_path / "dots.svg").read_text()) == drawn_lines(before)
    figures.dots(tmp_path / "dots.svg", scores[::-1], ["psnr"], targets)
    assert drawn_lines((tmp_path / "dots.svg").read_text()) == drawn_lines(before)
