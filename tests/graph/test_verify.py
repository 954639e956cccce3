"""`recontrast verify` finds what is missing, damaged or by a model that saw the person, each in a line."""

import json

from recontrast import layout
from recontrast.models import pseudonyms
from world import World


def test_an_output_is_verified(world: World) -> None:
    done = world.recontrast("verify", "out")
    assert done.returncode == 0, done.stdout
    assert (
        "3 models are unchanged since training; none of the 3 synthetic images that were scored"
        in done.stdout
    )

    image = world.out / "sub-01/anat/sub-01_space-T1w_desc-preproc_T2w.nii.gz"
    image.write_bytes(image.read_bytes()[:5000])
    (world.out / "evaluation/ranks.tsv").unlink()
    weights = world.out / "models/Patch/fold-all/model.safetensors"
    weights.write_bytes((world.out / "models/Patch/fold-1/model.safetensors").read_bytes())
    plan = json.loads((world.out / "cohort/plan.json").read_text())
    judged = next(s for s in plan["sessions"] if s["fold"] == "2")
    card = world.out / "models/Patch/fold-2/model.json"
    facts = json.loads(card.read_text())
    assert "sub-" not in json.dumps(facts["sessions"])
    key = pseudonyms.read(world.out / layout.PSEUDONYMS)
    hashed = pseudonyms.pseudonym(key, judged["participant_id"])
    facts["sessions"].append({"session": "0", "participant": hashed, "role": "training"})
    card.write_text(json.dumps(facts))
    other = world.out / "models/Patch/fold-1/model.json"
    before = other.read_text()
    other.write_text("[]")
    done = world.recontrast("verify", "out")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"wrong: {image.relative_to(world.out)}: cannot be read; delete it and run the study again",
        "wrong: evaluation/ranks.tsv: is missing; run the study again",
        f"wrong: {other.relative_to(world.root)}: is not a model card (it holds no keys); train the model again",
        f"wrong: {weights.relative_to(world.root)}: is not the model that its card describes; keep both together",
        f"wrong: {judged['session']}: Patch is by the model of fold 2, which saw this participant",
    ]

    other.write_text(before)
    facts["sessions"][-1] = {"session": judged["session"], "role": "training"}  # as older cards name people
    card.write_text(json.dumps(facts))
    told = world.recontrast("verify", "out").stdout
    assert f"wrong: {judged['session']}: Patch is by the model of fold 2" in told
    (world.out / layout.PSEUDONYMS).rename(world.root / "key.txt")
    assert "cohort/pseudonyms.txt: is missing" in world.recontrast("verify", "out").stdout
    pseudonyms.ensure(world.out / layout.PSEUDONYMS, ["a cohort that has grown since"])
    told = world.recontrast("verify", "out").stdout
    assert "fold-1/model.json: this cohort/pseudonyms.txt does not tell whom the model saw" in told
    (world.root / "key.txt").rename(world.out / layout.PSEUDONYMS)

    image.unlink()
    (world.out / "report/cohort-1.html").unlink()
    (world.out / "tables/summary.tsv").write_text("")
    told = world.recontrast("verify", "out").stdout
    assert "wrong: report/cohort-1.html: is missing" in told
    assert "wrong: tables/summary.tsv: is empty; delete it and run the study again" in told
    (world.out / "tables/summary.tsv").unlink()
    (world.out / "report/sessions.js").unlink()
    (world.out / "models/Patch/fold-1/model.json").unlink()
    assert {
        "wrong: report/sessions.js: is missing; run the study again",
        "wrong: models/Patch/fold-1/model.json: is missing; run the study again",
    } <= {*world.recontrast("verify", "out").stdout.splitlines()}
    world.run()
    assert (world.out / "report/cohort-1.html").is_file()
    assert "ranks.tsv" not in world.recontrast("verify", "out").stdout


def test_what_is_no_output_is_named(world: World) -> None:
    done = world.recontrast("verify", "bids")
    assert done.returncode == 2
    assert "bids: contains no results of recontrast run; give an output folder" in done.stderr
