"""Who is one person: names are compared by what they say, and a study under one ID is one person's."""

import csv
import hashlib
import shutil

import pydicom
import pytest
from recontrast.cohort import tsv
from recontrast.conversion.key import Key
from recontrast.conversion.plan import key_folder, plan
from recontrast.conversion.settings import Conversion
from scanner import change, scan, sort

VISIT = ("A1", "AVALON^FINN", "19800101", "20200101")


def key_rows(out):
    with open(key_folder(out, Conversion()) / "key.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["patient_name"]: f"{row['participant_id']} {row['session_id']}" for row in rows}


def made(planned):
    return sorted(path.rpartition("/")[2].removesuffix(".nii.gz") for path in planned.jobs)


def another(name="AVALON^FINN", date="20200101", birth="19800101", person="A1"):
    return (person, name, birth, date)


@pytest.mark.parametrize("name", ["Avalon^Finn", "AVALON^FINN^^^", "avalon ^ finn", "AVALON^FINN=="])
@pytest.mark.parametrize("person", ["A1", ""])
def test_case_and_padding_of_a_name_make_no_other_person(name, person):
    key = Key()
    key.enrol(
        [another(person=person), another(name, person=person), another(name, "20210101", person=person)]
    )
    assert sorted(key.rows.values()) == [("001", "1"), ("001", "1"), ("001", "2")]
    assert key.doubts() == []


@pytest.mark.parametrize(
    "other",
    [another("AVALON^FINNA"), another("AVALON FINN"), another(birth="19800102"), another(person="A2")],
)
def test_other_names_days_of_birth_and_ids_do(other):
    key = Key()
    key.enrol([VISIT, other])
    assert len(set(key.rows.values())) == 2


def test_one_name_spelt_in_two_ways_within_a_study(source, out):
    scan(source / "a", PatientID="A1", PatientName="AVALON^FINN", SeriesTime="100000")
    scan(source / "b", "T2w", number=2, PatientID="A1", PatientName="Avalon^Finn", SeriesTime="090000")
    third = {"SeriesInstanceUID": "1.2.3", "SeriesTime": "080000"}
    scan(source / "c", number=3, PatientID="A1", PatientName="Finn Avalon", **third)
    planned = sort(source, out)
    assert made(planned) == [f"sub-001_ses-1_{n}" for n in ("T2w", "run-1_T1w", "run-2_T1w")]
    first = next(job for path, job in planned.jobs.items() if "run-1" in path)
    assert str(source / "c") in first.list.read_text()  # runs are in order of time, not of names
    assert key_rows(out) == dict.fromkeys(("AVALON^FINN", "Avalon^Finn", "Finn Avalon"), "sub-001 ses-1")
    assert planned.problems == []
    # Each spelling is known by itself, should the others be away.
    for folder in ("a", "b"):
        shutil.rmtree(source / folder)
    assert made(sort(source, out)) == ["sub-001_ses-1_T1w"]


def test_a_series_whose_files_spell_a_name_in_two_ways_is_one(source, out):
    scan(source, PatientID="A1", PatientName="AVALON^FINN")
    before = sort(source, out)
    for file in sorted(source.iterdir())[3:]:
        change(file, PatientName="Avalon F^")
    planned = sort(source, out)
    assert made(planned) == made(before) == ["sub-001_ses-1_T1w"]
    assert planned.problems == []


def test_only_an_id_and_a_study_together_make_one_person(source, out):
    scan(source / "a", PatientID="", PatientName="A^B")
    scan(source / "b", number=2, PatientID="", PatientName="C^D")
    scan(source / "c", number=3, PatientID="A1", PatientName="E^F", StudyInstanceUID="")
    scan(source / "d", number=4, PatientID="A1", PatientName="G^H", StudyInstanceUID="")
    assert len({name.split("_")[0] for name in made(sort(source, out))}) == 4


def test_sessions_of_a_person_are_in_order_of_time_however_the_name_is_spelt():
    days = {"20200101": "AVALON^FINN", "20210101": "Avalon^Finn", "20220101": "AVALON^FINN"}
    for birth in ("19800101", "19800102", "19800103"):  # orders of hashes
        key = Key()
        key.enrol(another(name, day, birth) for day, name in days.items())
        assert [key.rows[another(name, day, birth)][1] for day, name in days.items()] == ["1", "2", "3"]


def test_a_known_person_is_known_by_any_spelling_that_a_study_ties_to_it():
    key = Key(rows={another("avalon^finn", "20190101"): ("p7", "1")})
    spelt = another("AVALON^FINN"), another("Finn")
    key.enrol(spelt, [set(spelt)])
    assert {key.rows[visit] for visit in spelt} == {("p7", "2")}


@pytest.mark.parametrize("person", ["ANON", "anonymous", "0", "unknown", "xxxx", "-", ""])
def test_placeholders_unite_nobody(source, out, person):
    for number, name in enumerate(("A^B", "C^D", "ANON", "Anonymous^")):
        who = {"PatientID": person, "PatientName": name, "PatientBirthDate": ""}
        scan(source / name, participant=str(number), number=number + 1, **who)
    planned = sort(source, out)
    assert len({name.split("_")[0] for name in made(planned)}) == 4
    (told,) = [str(p) for p in planned.problems]
    assert "people have no patient ID" in told
    assert "2 of them by study alone" in told
    assert made(sort(source, out)) == made(planned)


def test_numbered_ids_of_anonymising_tools_are_people(source, out):
    for number, person in enumerate(("ANON1", "ANON1", "ANON2")):
        who = {"PatientID": person, "PatientName": "ANON", "PatientBirthDate": ""}
        date = f"2020010{number + 1}"
        scan(source / date, participant=str(number), number=number + 1, **who, StudyDate=date)
    visits = [tuple(name.split("_")[:2]) for name in made(sort(source, out))]
    assert len({person for person, _ in visits}) == 2
    assert len(set(visits)) == 3


@pytest.mark.parametrize(
    ("other", "is_told"),
    [
        *[("HOSP_1234", True), ("01234", True), ("hosp-01234", True), ("HOSP_12345", False), ("5", False)],
        ("HOSP_1234 ", True),
    ],
)
def test_one_id_in_two_ways_of_writing_is_told(other, is_told):
    key = Key()
    key.enrol([another("A^B", person="1234"), another("C^D", person=other, date="20210101")])
    told = [doubt for doubt in key.doubts() if "have the same patient ID in two spellings" in doubt]
    assert len(told) == is_told
    key = Key()
    key.enrol([another("A^B", person="1234"), another("C^D", person=other, birth="19000102")])
    assert key.doubts() == []
    key = Key()  # so short a number is in too many IDs
    key.enrol([another("A^B", person="12"), another("C^D", person="HOSP_12", date="20210101")])
    assert key.doubts() == []


def test_one_person_under_two_prefixes_is_told(source, out):
    scan(source / "a", participant="5")
    scan(source / "b", participant="5")
    planned = plan([(source / "a", "A"), (source / "b", "B")], Conversion(), out, jobs=1)
    assert "sub-A001 and sub-B001 are one person" in str(planned.problems)


def test_an_id_in_quotation_marks_keeps_its_label(source, out):
    scan(source, PatientID='"A1"', PatientName='"A^B', SeriesDescription='"T1"')
    scan(source / "b", participant="2", number=2, PatientID='"', PatientName='C"D"')
    before = sort(source, out)
    assert made(sort(source, out)) == made(before)
    assert len(key_rows(out)) == 2
    table = tsv.read(key_folder(out, Conversion()) / "series.tsv")
    assert '"T1"' in [row["description"] for row in table]


def test_a_person_whose_id_is_a_placeholder_in_the_key_is_known_by_name(source, out):
    scan(source, PatientID="ANON", PatientName="A^B", PatientBirthDate="")
    folder = key_folder(out, Conversion())
    folder.mkdir()
    (folder / "key.tsv").write_text("participant_id\tpatient_id\tpatient_name\nsub-p7\tANON\tA^B\n")
    assert made(sort(source, out)) == ["sub-p7_ses-1_T1w"]


def test_two_days_of_birth_within_a_study_are_one_person_and_a_doubt(source, out):
    scan(source / "a", PatientBirthDate="19800101")
    scan(source / "b", "T2w", number=2, PatientBirthDate="19800110")
    planned = sort(source, out)
    assert made(planned) == ["sub-001_ses-1_T1w", "sub-001_ses-1_T2w"]
    assert "sub-001 stands for 2 different people" in str(planned.problems)


def test_what_a_user_said_of_a_series_holds_under_its_old_name(source, out):
    """The name of a series in the table is made of what its files say, as before names were compared loosely."""
    scan(source, PatientID="A1", PatientName="AVALON^FINN^")
    sort(source, out)
    header = pydicom.dcmread(next(source.iterdir()))
    said = (
        ("A1", "AVALON^FINN^", header.PatientBirthDate),
        str(header.StudyInstanceUID),
        str(header.SeriesInstanceUID),
    )
    name = hashlib.sha256(repr(said).encode()).hexdigest()[:10]
    assert name in (key_folder(out, Conversion()) / "series.tsv").read_text()


def test_a_row_of_the_key_that_names_nobody_is_told():
    key = Key(rows={("ANON", "", "", ""): ("control", ""), ("P7", "", "", ""): ("patient", "")})
    (told,) = key.doubts()
    assert told.startswith("the row of sub-control in key.tsv identifies nobody")
