"""What model cards say of preparation comes from the study, and by itself trains nothing again."""

import json

import pytest
from recontrast import layout
from world import World


@pytest.mark.full
def test_a_card_says_how_images_were_prepared_and_changes_with_them_alone(world: World) -> None:
    place = world.out / layout.fill(layout.MODEL_CARD, experiment="Patch", fold="all")
    before = json.loads(place.read_text())
    said = before["preparation"]
    assert (said["prepare"], said["reference"], said["dof"]) == ("full", "T1w", 6)
    assert said["kinds"] == {"T1w": "image", "T2w": "image"}
    assert said["backends"]["anatomy register"]["backend"] == "embedded"
    assert len(before["grid"]["shape"]) == 3
    world.study(anatomy={"dof": 12})  # the tools of this world give the same images
    ran = world.run()
    assert any(job.startswith("register ") for job in ran)
    assert not any(job.startswith("train ") for job in ran)
    assert json.loads((world.out / layout.PREPARATION).read_text())["dof"] == 12
