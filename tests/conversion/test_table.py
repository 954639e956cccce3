"""Key and table: pseudonyms stay, edits hold, only what changed converts again, nobody is named outside."""

import csv
import gzip
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from recontrast.conversion.convert import convert
from recontrast.conversion.dcm2niix_run import brief
from recontrast.conversion.headers import age
from recontrast.conversion.key import Key
from recontrast.conversion.plan import key_folder, plan
from recontrast.conversion.settings import Conversion, Rule
from recontrast.errors import RecontrastError
from scanner import T1W, convert_all, distance, oblique, scan, sort

SECRETS = {
    "PatientName": "Zyxwv^Quentin",
    "PatientID": "ZQ77881",
    "PatientBirthDate": "19470311",
    "OtherPatientIDs": "ZQ-OTHER",
    "AccessionNumber": "ZACC991",
    "InstitutionName": "Zhospital",
    "InstitutionAddress": "Zstreet 5",
    "ReferringPhysicianName": "Zreferrer",
    "OperatorsName": "Zoperator",
    "StudyDate": "20210529",
    "AcquisitionDate": "20210529",
    "AcquisitionTime": "134217",
    "SeriesDescription": "T1 Zyxwv",
    "ProtocolName": "T1 Zprotocol",
    "ImageComments": "Zcomment",
    "PatientComments": "Zremark",
    "StudyDescription": "Zstudy",
    "StationName": "ZSTATION",
    "DeviceSerialNumber": "Z4711",
    "ReceiveCoilName": "Zcoil",
    "StudyID": "Z1234",
}


def rows(out: Path) -> list[dict[str, str]]:
    with open(key_folder(out, Conversion()) / "series.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def edit(out: Path, number: int, **columns: str) -> None:
    path = key_folder(out, Conversion()) / "series.tsv"
    table = rows(out)
    for row in table:
        if row["number"] == str(number):
            row |= columns
    lines = ["\t".join(table[0]), *("\t".join(row.values()) for row in table)]
    path.write_text("\n".join(lines) + "\n")


def test_no_identifying_field_reaches_an_output(tmp_path, capfd):
    source, out = tmp_path / "Zyxwv_Quentin", tmp_path / "out"
    weighting = np.array([0, 1000, 1000]), np.eye(3)[:, [0, 1, 2]] * [0, 1, 1]
    scan(source / "a", **SECRETS)
    scan(source / "b", "dwi", number=2, shape=(8, 9, 7, 3), weighting=weighting, **SECRETS)
    planned = sort(source, out)
    convert_all(planned, out)
    written = [
        gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes()
        for p in out.rglob("*.*")
        if p.is_file()
    ]
    said = capfd.readouterr()
    everything = b"\n".join(
        [*written, *(str(p).encode() for p in out.rglob("*")), (said.out + said.err).encode()]
    )
    everything += str([image for images in planned.images.values() for image in images]).encode()
    values = [*SECRETS.values(), "Zyxwv", "Quentin", "13:42", "1.2.826"]
    assert len(written) == 6
    assert [v for v in values if v.encode() in everything] == []
    place = key_folder(out, Conversion())
    assert place not in out.parents
    assert out not in place.parents
    assert oct(os.stat(place).st_mode)[-3:] == "700"
    assert "ZQ77881" in (place / "key.tsv").read_text()


def test_pseudonyms_stay_and_new_people_are_appended(tmp_path):
    out = tmp_path / "out"
    scan(tmp_path / "in/b", participant="5")
    scan(tmp_path / "in/c", participant="5", session="2")
    first = sort(tmp_path / "in", out).jobs
    scan(tmp_path / "in/a", participant="2")
    second = sort(tmp_path / "in", out).jobs
    people = ["sub-001/ses-1", "sub-001/ses-2", "sub-002/ses-1"]
    assert [path.split("raw/")[1].split("/anat")[0] for path in sorted(second)] == people
    assert set(first) < set(second)
    assert all(first[path].sha256 == second[path].sha256 for path in first)


def test_prefixes_keep_folders_apart(tmp_path):
    scan(tmp_path / "x", participant="5")
    scan(tmp_path / "y", participant="5")
    folders = [(tmp_path / "x", "A"), (tmp_path / "y", "B")]
    planned = plan(folders, Conversion(), tmp_path / "out", jobs=1)
    assert [path.split("/")[2] for path in planned.jobs] == ["sub-A001", "sub-B001"]
    assert {image.participant for images in planned.images.values() for image in images} == {"001"}


def test_labels_may_be_given_by_the_user(tmp_path):
    out = tmp_path / "out"
    place = key_folder(out, Conversion())
    place.mkdir()
    (place / "key.tsv").write_text("participant_id\tpatient_id\nsub-control7\tRC-5\n")
    scan(tmp_path / "in/a", participant="5")
    scan(tmp_path / "in/b", participant="6")
    labels = {path.split("/")[2] for path in sort(tmp_path / "in", out).jobs}
    assert labels == {"sub-control7", "sub-001"}
    (place / "key.tsv").write_text("participant_id\tpatient_id\nsub-a_b\tRC-5\n")
    with pytest.raises(RecontrastError, match="line 2 has an invalid label"):
        sort(tmp_path / "in", out)


def test_an_edit_changes_only_its_series(tmp_path):
    out = tmp_path / "out"
    scan(tmp_path / "in/a", number=1)
    scan(tmp_path / "in/b", "T2w", number=2)
    scan(
        tmp_path / "in/c",
        "mystery",
        {**T1W, "EchoTime": 0.03, "RepetitionTime": 1.2, "ScanningSequence": "RM"},
        number=3,
    )
    before = sort(tmp_path / "in", out)
    assert rows(out)[2]["why"] == "no rule knows it"
    assert any("1 series are not recognised (sub-001 series 301)" in str(p) for p in before.problems)
    edit(out, 201, suffix="PDw", entities="acq-fast")
    edit(out, 301, use="yes", datatype="anat", suffix="T2starw")
    after = sort(tmp_path / "in", out)
    state = lambda planned: {(path, job.sha256, job.list.read_text()) for path, job in planned.jobs.items()}  # noqa: E731
    made = {path.rpartition("/")[2] for path, *_ in state(after)}
    assert made == {
        "sub-001_ses-1_T1w.nii.gz",
        "sub-001_ses-1_acq-fast_PDw.nii.gz",
        "sub-001_ses-1_T2starw.nii.gz",
    }
    assert [row["why"] for row in rows(out)] == ["T1", "edited", "edited"]
    assert state(before) & state(after) == {s for s in state(after) if s[0].endswith("_T1w.nii.gz")}
    assert state(sort(tmp_path / "in", out)) == state(after)
    # A disk that is not there for a while costs nobody their edits.
    (tmp_path / "in/b").rename(tmp_path / "away")
    assert not any("201" in str(problem) for problem in sort(tmp_path / "in", out).problems)
    assert [row["problem"] for row in rows(out)] == ["n/a", "n/a", "its files no longer exist"]
    (tmp_path / "away").rename(tmp_path / "in/b")
    assert state(sort(tmp_path / "in", out)) == state(after)
    edit(out, 301, use="maybe")
    with pytest.raises(RecontrastError, match="line 4: use is 'maybe', neither yes nor no"):
        sort(tmp_path / "in", out)


def test_only_the_cells_that_a_user_changed_hold(tmp_path):
    out = tmp_path / "out"
    scan(tmp_path / "in")
    (tmp_path / "in/IM00007").rename(tmp_path / "away")
    sort(tmp_path / "in", out)
    assert rows(out)[0]["use"] == "no"
    edit(out, 101, entities="acq-mine")
    assert sort(tmp_path / "in", out).jobs == {}
    (tmp_path / "away").rename(tmp_path / "in/IM00007")
    named = Conversion(rules=(Rule(name="ours", description="T1w", suffix="PDw"),))
    (path,) = sort(tmp_path / "in", out, named).jobs
    assert path.endswith("/sub-001_ses-1_acq-mine_PDw.nii.gz")
    left = Conversion(rules=(Rule(name="ours", description="T1w", use=False),))
    assert sort(tmp_path / "in", out, left).jobs == {}
    only = Conversion(rules=(Rule(name="ours", description="T1w", datatype="dwi", suffix="dwi"),))
    edit(out, 101, suffix="T2w")
    with pytest.raises(RecontrastError, match="for the datatype dwi, the suffix must be dwi"):
        sort(tmp_path / "in", out, only)


@pytest.mark.parametrize(
    ("gone", "shape", "said"),
    [
        ([7], (8, 9, 6), "is incomplete and is converted as is (images are missing: 1 of 7)"),
        ([4], None, "slices are missing: 1 of 7, and no image can be made of the rest; transfer it again"),
        (
            [12],
            (8, 9, 7, 2),
            "is incomplete and is converted as is (slices are missing: 20 images do not fill",
        ),
    ],
)
def test_what_is_there_of_an_incomplete_series_is_converted_if_a_user_wants_it(tmp_path, gone, shape, said):
    out, source = tmp_path / "out", tmp_path / "in"
    if gone == [12]:
        weighting = np.array([0, 1000, 1000]), np.eye(3) * [0, 1, 1]
        data = scan(source, "dwi", shape=(8, 9, 7, 3), weighting=weighting)[..., [0, 2]]
    else:
        data = scan(source)
    for number in gone:
        (source / f"IM{number:05d}").unlink()
    ((image,),) = sort(source, out).images.values()
    assert image.problem.endswith("to take what is there" if shape else "transfer it again")
    edit(out, 101, use="yes")
    planned = sort(source, out)
    assert said in str(planned.problems[0])
    made = convert_all(planned, out)
    assert [nib.load(path).shape for path in made] == ([shape] if shape else [])
    assert all(distance(nib.load(path), data, oblique()) < 0.01 for path in made[:1])
    told = [json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text()) for path in made]
    assert all("missing" in facts["Incomplete"] for facts in told)


def test_an_incomplete_series_that_nobody_needs_is_passed_over(tmp_path):
    out, source = tmp_path / "out", tmp_path / "in"
    scan(source)
    (source / "IM00004").unlink()
    (problem,) = sort(source, out).problems
    assert str(problem).endswith("transfer it again, or clear its suffix in series.tsv to leave it out")
    edit(out, 101, suffix="n/a")
    planned = sort(source, out)
    assert planned.problems == []
    assert not any(planned.images.values())


def test_why_what_is_there_of_a_series_cannot_be_converted_is_said(tmp_path, monkeypatch):
    out, source = tmp_path / "out", tmp_path / "in"
    scan(source)
    (source / "IM00007").unlink()
    sort(source, out)
    edit(out, 101, use="yes")
    monkeypatch.setattr("recontrast.conversion.dcm2niix_run.run_dcm2niix", lambda *_: "")  # makes nothing
    with pytest.raises(
        RecontrastError, match="; images are missing: 1 of 7; transfer it again, or set use to no"
    ):
        convert_all(sort(source, out), out)


def test_numbers_pass_over_a_run_that_a_user_named(tmp_path):
    out = tmp_path / "out"
    for number in (1, 2, 3):
        scan(tmp_path / f"in/{number}", f"T1w{number}", T1W, number=number, seed=number)
    sort(tmp_path / "in", out)
    edit(out, int(rows(out)[2]["number"]), entities="run-1")
    found = sort(tmp_path / "in", out).jobs
    names = sorted(path.rpartition("/")[2] for path in found)
    assert names == [f"sub-001_ses-1_run-{run}_T1w.nii.gz" for run in (1, 2, 3)]
    assert len({job.sha256 for job in found.values()}) == 3


def test_what_no_job_can_convert_is_refused_in_the_table(tmp_path):
    out = tmp_path / "out"
    scan(tmp_path / "in/a")
    sort(tmp_path / "in", out)
    number = int(rows(out)[0]["number"])
    edit(out, number, datatype="dwi", suffix="sbref")
    with pytest.raises(RecontrastError, match="suffix 'sbref'"):
        sort(tmp_path / "in", out)


def test_a_file_named_in_an_old_encoding_is_listed(tmp_path):
    scan(tmp_path / "in/a")
    (tmp_path / "in" / os.fsdecode(b"M\xfcller.pdf")).write_text("no image")
    sort(tmp_path / "in", tmp_path / "out")
    listed = (key_folder(tmp_path / "out", Conversion()) / "not-images.tsv").read_text()
    assert "M\\xfcller.pdf" in listed


def test_the_converters_words_do_not_quote_descriptions():
    said = "Convert 4 DICOM\n::autoBids:GE usedSeqName:'efgre' seriesDesc:'Zyxwv'\nWarning: a\nWarning: a"
    assert brief(said) == "Convert 4 DICOM\nWarning: a (2 times)"
    assert brief("name varies 'T1 O'Zyxwv' != 'T1 X'\ntime varies 20210530101112.0 ~= 20210529") == (
        "name varies …\ntime varies … ~= …"
    )


def test_only_a_changed_file_changes_its_series(tmp_path):
    out = tmp_path / "out"
    scan(tmp_path / "in/a", number=1)
    scan(tmp_path / "in/b", "T2w", number=2)
    before = sort(tmp_path / "in", out).jobs
    for file in (tmp_path / "in").rglob("IM*"):
        os.utime(file)
    assert {p: j.sha256 for p, j in sort(tmp_path / "in", out).jobs.items()} == {
        p: j.sha256 for p, j in before.items()
    }
    file = tmp_path / "in/b/IM00003"
    stat, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = sort(tmp_path / "in", out).jobs
    assert [p.endswith("T2w.nii.gz") for p in after if after[p].sha256 != before[p].sha256] == [True]


def test_the_key_stays_out_of_the_results(tmp_path):
    with pytest.raises(RecontrastError, match="must not lie in the output folder"):
        key_folder(tmp_path / "out", Conversion(key=tmp_path / "out/key"))


def test_a_series_that_has_gone_is_named_without_names(tmp_path):
    scan(tmp_path / "in", **SECRETS)
    (job,) = sort(tmp_path / "in", tmp_path / "out").jobs.values()
    (tmp_path / "in/IM00002").unlink()
    with pytest.raises(RecontrastError, match=r"^1 of 7 files of the series no longer exist; plan again$"):
        convert(series=job.list, output=tmp_path / "x.nii.gz")


def test_numbers_do_not_follow_the_order_of_ids():
    key = Key()
    key.enrol((f"RC-{number:02d}", "", "", "20200101") for number in range(20))
    labels = [key.rows[visit][0] for visit in sorted(key.rows)]
    assert sorted(labels) == [f"{number:03d}" for number in range(1, 21)]
    assert labels != sorted(labels)


def test_one_person_under_two_labels_is_told(tmp_path):
    scan(tmp_path / "in/a", PatientID="7", PatientName="C^D")
    scan(tmp_path / "in/b", number=2, PatientID="7", PatientName="C^E", StudyInstanceUID="1.2.3")
    scan(tmp_path / "in/c", number=3, PatientID="9", PatientName="C D^")
    told = [
        p.problem for p in sort(tmp_path / "in", tmp_path / "out").problems if "have the same" in p.problem
    ]
    key = {row["patient_id"] + row["patient_name"]: row["participant_id"] for row in people(tmp_path / "out")}
    ids, names = sorted((key["7C^D"], key["7C^E"])), sorted((key["7C^D"], key["9C D^"]))
    assert [line.split(" in key.tsv")[0] for line in told] == [
        f"{names[0]} and {names[1]} have the same name and date of birth",
        f"{ids[0]} and {ids[1]} have the same patient ID",
    ]


def people(out: Path) -> list[dict[str, str]]:
    with open(key_folder(out, Conversion()) / "key.tsv", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_users_own_columns_stay_in_the_key_and_go_where_they_are_asked_for(tmp_path):
    out = tmp_path / "out"
    place = key_folder(out, Conversion())
    place.mkdir()
    (place / "key.tsv").write_text("participant_id\tgroup\tpatient_id\tphone\nsub-control7\tHC\tRC-5\t77\n")
    scan(tmp_path / "in/a", participant="5", PatientSex="F", PatientAge="093Y")
    scan(tmp_path / "in/b", participant="5", session="2")
    scan(tmp_path / "in/c", participant="6", PatientBirthDate="19800630", StudyDate="20200629")
    wanted = Conversion(participants=("group", "sex", "age"))
    planned = sort(tmp_path / "in", out, wanted)
    assert planned.participants == {
        "control7": {"participant_id": "sub-control7", "group": "HC", "sex": "F", "age": "89"},
        "001": {"participant_id": "sub-001", "group": "n/a", "sex": "O", "age": "39"},
    }
    assert sort(tmp_path / "in", out, wanted).participants == planned.participants
    kept = [(row["participant_id"], row["group"], row["phone"]) for row in people(out)]
    assert kept == [
        ("sub-001", "n/a", "n/a"),
        ("sub-control7", "HC", "77"),
        ("sub-control7", "n/a", "n/a"),
    ]


@pytest.mark.parametrize(
    ("stated", "birth", "study", "years"),
    [
        ("034Y", "", "", 34),
        ("018M", "", "", 1),
        ("", "19800630", "20200630", 40),
        ("", "1980", "20200630", None),
    ],
)
def test_ages(stated, birth, study, years):
    assert age(stated, birth, study) == years
