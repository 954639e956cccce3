"""Whatever else lies in a DICOM folder: sorted out, put together, or named."""

import csv
import shutil
import zipfile

import dcm2niix
import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)
from recontrast.conversion.convert import convert
from recontrast.conversion.plan import key_folder
from recontrast.conversion.settings import Conversion
from recontrast.errors import RecontrastError
from scanner import T1W, change, convert_all, distance, lossless_jpeg, merge, oblique, scan, sort

T1 = "sourcedata/raw/sub-001/ses-1/anat/sub-001_ses-1_T1w.nii.gz"


UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def listed(out, name):
    with open(key_folder(out, Conversion()) / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def lacking(source, out):
    """The problem of the one image of a folder, after a check that nothing is converted."""
    planned = sort(source, out)
    assert planned.jobs == {}
    (image,) = planned.images[source]
    return image.problem


def test_other_things_in_the_folder_are_listed(source, out):
    data = scan(source / "deep/er/still")
    (source / "notes.txt").write_text("seen on Tuesday")
    (source / "report.pdf").write_bytes(b"%PDF-1.7 ...")
    (source / "noise.bin").write_bytes(bytes(range(256)))
    (source / "empty").touch()
    (source / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\x00\x00\x00UL\x04\0\x10")
    with zipfile.ZipFile(source / "old.zip", "w") as archive:
        archive.writestr("IM1", "nothing")
    first = next((source / "deep/er/still").iterdir())
    for name, kind in (
        ("sr", BasicTextSRStorage),
        ("ps", GrayscaleSoftcopyPresentationStateStorage),
        ("screen", SecondaryCaptureImageStorage),
        ("DICOMDIR", "1.2.840.10008.1.3.10"),
    ):
        other = pydicom.dcmread(first)
        other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = kind
        other.SOPInstanceUID = pydicom.uid.generate_uid()
        other.save_as(source / name)
    planned = sort(source, out)
    assert list(planned.jobs) == [T1]
    found = {row["file"].rpartition("/")[2]: row["what"] for row in listed(out, "not-images.tsv")}
    assert found == {
        "notes.txt": "a text file",
        "report.pdf": "a PDF",
        "old.zip": "a zip archive",
        "noise.bin": "not a DICOM file",
        "empty": "an empty file",
        "broken": "an unreadable DICOM file, or not a DICOM file",
        "sr": "not an MR image but Basic Text SR Storage",
        "ps": "not an MR image but Grayscale Softcopy Presentation State Storage",
        "screen": "not an MR image but Secondary Capture Image Storage",
        "DICOMDIR": "a DICOMDIR",
    }
    assert any("10 files are not MR images" in str(problem) for problem in planned.problems)
    (made,) = convert_all(planned, out)
    assert distance(nib.load(made), data, oblique()) < 0.01


@pytest.mark.parametrize(
    "syntax",
    [*UNCOMPRESSED, RLELossless, JPEG2000Lossless, JPEGLSLossless, JPEGLosslessSV1, None, "bare"],
    ids=[
        *["implicit", "big-endian", "deflated", "rle", "jpeg2000", "jpeg-ls", "jpeg", "no preamble"],
        "bare big-endian",
    ],
)
def test_transfer_syntaxes(source, out, syntax):
    data = scan(source, shape=(40, 36, 5))
    for file in source.iterdir():
        header = pydicom.dcmread(file)
        if syntax is None:
            file.write_bytes(file.read_bytes()[132:])
        elif syntax == JPEGLosslessSV1:
            frame = lossless_jpeg(header.pixel_array.astype(np.uint16))
            header.file_meta.TransferSyntaxUID, header.PixelRepresentation = syntax, 0
            header.PixelData = pydicom.encaps.encapsulate([frame])
            header["PixelData"].VR, header["PixelData"].is_undefined_length = "OB", True
            header.save_as(file)
        elif syntax in (JPEG2000Lossless, JPEGLSLossless, RLELossless):
            try:
                header.compress(syntax, generate_instance_uid=False)
            except (RuntimeError, NotImplementedError) as error:
                pytest.skip(f"no encoder: {error}")
            header.save_as(file)
        else:
            is_bare = syntax == "bare"  # neither a preamble nor a word on the syntax
            encoding = ExplicitVRBigEndian if is_bare else syntax
            header.file_meta.TransferSyntaxUID = encoding
            pixels = np.frombuffer(header.PixelData, "<i2")
            header.PixelData = pixels.astype(">i2" if encoding == ExplicitVRBigEndian else "<i2").tobytes()
            pydicom.dcmwrite(
                file,
                header,
                implicit_vr=encoding == ImplicitVRLittleEndian,
                little_endian=encoding != ExplicitVRBigEndian,
                force_encoding=True,
            )
            if is_bare:
                content = file.read_bytes()
                file.write_bytes(content[144 + int.from_bytes(content[140:144], "little") :])
    (made,) = convert_all(sort(source, out), out)
    assert distance(nib.load(made), data, oblique()) < 0.01


def test_two_people_in_one_folder_stay_apart(source, out):
    scan(source, participant="1")
    for file in list(source.iterdir()):
        file.rename(source / f"first-{file.name}")
    scan(source, participant="2", seed=1)
    planned = sort(source, out)
    assert {path.split("/")[2] for path in planned.jobs} == {"sub-001", "sub-002"}


def test_two_series_with_one_number_stay_apart(source, out):
    scan(source / "a", "T1w")
    scan(source / "b", "T2w")
    assert [path.rpartition("_")[2] for path in sort(source, out).jobs] == ["T1w.nii.gz", "T2w.nii.gz"]
    assert {row["number"] for row in listed(out, "series.tsv")} == {"101"}


def test_a_series_split_over_folders_with_copies_is_joined(source, out):
    data = scan(source / "a")
    (source / "b/c").mkdir(parents=True)
    for number, file in enumerate(sorted((source / "a").iterdir())):
        if number % 2:
            file.rename(source / "b/c" / file.name)
        elif number == 2:
            (source / "copy").write_bytes(file.read_bytes())
    (made,) = convert_all(sort(source, out), out)
    assert distance(nib.load(made), data, oblique()) < 0.01


def test_images_that_share_an_identifier_are_not_lost(source, out):
    """As some anonymisers leave them."""
    data = scan(source)
    for path in source.iterdir():
        file = pydicom.dcmread(path)
        file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        file.save_as(path)
    (made,) = convert_all(sort(source, out), out)
    assert distance(nib.load(made), data, oblique()) < 0.01


def test_other_content_under_the_same_identifier_is_told(source, out):
    scan(source / "a")
    shutil.copytree(source / "a", source / "b")
    assert not any("other content" in str(problem) for problem in sort(source, out).problems)
    for path in (source / "b").iterdir():
        file = pydicom.dcmread(path)
        file.PixelData = bytes(len(file.PixelData))
        file.save_as(path)
    (problem,) = (str(p) for p in sort(source, out).problems if "other content" in str(p))
    assert problem.startswith("7 DICOM files have the identifier and the place of others")


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([3], "slices are missing: 1 of 7"),
        ([2, 4], "slices are missing: 2 of 7"),
        ([6], "images are missing: 1 of 7"),
        ([0], "images are missing: 1 of 7"),
    ],
)
def test_an_interrupted_transfer_is_named(source, out, gone, said):
    scan(source)
    files = sorted(source.iterdir())
    for number in gone:
        files[number].unlink()
    assert lacking(source, out).startswith(f"series 101: {said}; transfer it again")


def test_an_interrupted_diffusion_series_is_named(source, out):
    weighting = np.array([0, 1000, 1000]), np.eye(3) * [0, 1, 1]
    scan(source, "dwi", shape=(8, 9, 7, 3), weighting=weighting)
    (source / "IM00012").unlink()
    assert "20 images do not fill volumes of 7 slices" in lacking(source, out)


def test_b0_alone_is_no_dwi_of_the_session(source, out):
    scan(source / "a", "dwi", weighting=(np.zeros(1), np.zeros((3, 1))), shape=(8, 9, 7, 1))
    planned = sort(source, out)
    assert list(planned.jobs) == ["sourcedata/raw/sub-001/ses-1/fmap/sub-001_ses-1_epi.nii.gz"]
    assert len(convert_all(planned, out)) == 1


def test_a_file_cut_short_is_named(source, out):
    scan(source)
    file = source / "IM00004"
    file.write_bytes(file.read_bytes()[:-20])
    assert "a file is cut short" in lacking(source, out)


@pytest.mark.parametrize("broken", ["a", "b"])
def test_a_series_transferred_again_takes_the_place_of_the_one_cut_short(source, out, broken):
    data = scan(source / "a")
    shutil.copytree(source / "a", source / "b")
    for name in ("IM00004", "IM00006"):
        file = source / broken / name
        file.write_bytes(file.read_bytes()[:-20])
    planned = sort(source, out)
    assert [image.problem for image in planned.images[source]] == [""]
    (made,) = convert_all(planned, out)
    assert distance(nib.load(made), data, oblique()) < 0.01


def test_a_whole_repetition_takes_the_place_of_a_broken_series(source, out):
    scan(source / "a", number=1)
    scan(source / "b", number=2, SeriesInstanceUID="1.2.3")
    (source / "a/IM00003").unlink()
    planned = sort(source, out)
    assert list(planned.jobs) == [T1]
    assert [image.problem for image in planned.images[source]] == [""]
    assert [row["use"] for row in listed(out, "series.tsv")] == ["no", "yes"]


def test_repetitions_become_runs_and_echoes_are_numbered(source, out):
    scan(source / "a", number=1)
    scan(source / "b", number=2, SeriesInstanceUID="1.2.3")
    gre = T1W | {"RepetitionTime": 0.05, "FlipAngle": 15}
    for echo, te in enumerate((4.0, 9.0, 14.0), 1):
        scan(source / f"e{echo}", "gre", gre, number=3, seed=echo, EchoTime=te, EchoNumbers=echo)
        for file in (source / f"e{echo}").iterdir():
            change(
                file,
                SOPInstanceUID=pydicom.uid.generate_uid(),
                InstanceNumber=7 * echo + int(file.name[-2:]) - 7,
            )
            change(file, ImagesInAcquisition=21)
    planned = sort(source, out)
    names = [path.rpartition("ses-1_")[2].removesuffix(".nii.gz") for path in planned.jobs]
    assert names == ["run-1_T1w", "run-2_T1w", "echo-1_MEGRE", "echo-2_MEGRE", "echo-3_MEGRE"]
    assert len(convert_all(planned, out)) == 5


def test_localisers_and_colour_pictures_are_left(source, out):
    scan(source / "a", SeriesDescription="Survey")
    (source / "a/IM00003").unlink()
    scan(source / "b", number=2, SamplesPerPixel=3)
    with_nothing = sort(source, out)
    assert with_nothing.jobs == {}
    assert listed(out, "series.tsv")[0]["why"] == "localiser: is not converted"
    assert {row["what"] for row in listed(out, "not-images.tsv")} == {"a colour image"}
    assert not any("transfer it again" in str(problem) for problem in with_nothing.problems)


def test_people_without_names_are_told_apart_by_study(source, out):
    nobody = {"PatientID": "", "PatientName": "", "PatientBirthDate": ""}
    scan(source / "a", **nobody)
    scan(source / "b", participant="2", **nobody)
    assert len({path.split("/")[2] for path in sort(source, out).jobs}) == 2


def test_a_folder_without_images_is_refused(source, out):
    source.mkdir()
    (source / "a.txt").write_text("text")
    with pytest.raises(RecontrastError, match="contains no DICOM MR images, only 1 × a text file"):
        sort(source, out)


def test_what_dicom_headers_promise_is_checked(source, out):
    scan(source)
    (job,) = sort(source, out).jobs.values()
    list_file = job.list.read_text()
    for wrong, said in (
        ('"volumes": 2', "made 1 volumes from it, but the headers say 2"),
        ('"volumes": 1, "x": 0', None),
    ):
        job.list.write_text(list_file.replace('"volumes": 1', wrong))
        if said:
            with pytest.raises(RecontrastError, match=said):
                convert(series=job.list, output=out / "x.nii.gz")
            assert not (out / "x.nii.gz").exists()
        else:
            convert(series=job.list, output=out / "x.nii.gz")
    for file in source.iterdir():
        change(file, PixelSpacing=[3.0, 3.0])
    with pytest.raises(RecontrastError, match="mm from the position in the headers"):
        convert(series=job.list, output=out / "y.nii.gz")


def test_enhanced_files_are_split_by_echo(source, out, tmp_path):
    data = {"T1w": scan(tmp_path / "classic/t1")}
    merge(sorted((tmp_path / "classic/t1").iterdir()), source / "one")
    files = []
    for seed, (suffix, te) in enumerate({"PDw": 15.0, "T2w": 90.0}.items(), 1):
        data[suffix] = scan(tmp_path / f"classic/{suffix}", "dual", number=2, seed=seed, EchoTime=te)
        files += sorted((tmp_path / f"classic/{suffix}").iterdir())
    merge(files, source / "two")
    made = convert_all(sort(source, out), out)
    assert len(made) == 3
    for path in made:
        suffix = path.name.split("_")[-1].split(".")[0]
        assert distance(nib.load(path), data[suffix], oblique()) < 0.01


@pytest.mark.parametrize(
    ("then", "error"),
    [("kill -9 $$", MemoryError), ('truncate -s -100 "$image"', OSError)],
)
def test_what_ends_the_converter_is_not_held_against_the_series(
    source, out, tmp_path, monkeypatch, then, error
):
    scan(source)
    planned = sort(source, out)
    real = dcm2niix.bin
    fake = tmp_path / "bin/dcm2niix"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/bash\n{real} "$@"\n'
        'while [ "$1" != -o ]; do shift; done\nimage=$(ls "$2"/*.nii)\n' + then + "\n"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(dcm2niix, "bin", str(fake))
    with pytest.raises(error):
        convert_all(planned, out)
    assert not list(out.rglob("*.nii.gz"))
