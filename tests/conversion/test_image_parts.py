"""Enhanced files say in their own places what part a picture shows, and what inversions preceded it."""

import pydicom
import pytest
from recontrast.conversion import headers
from recontrast.conversion.recognise import defaults, recognise
from recontrast.conversion.series import sort
from scanner import T2W, merge, scan

FLAIR_TIMES = {**T2W, "RepetitionTime": 9.0, "EchoTime": 0.1}


@pytest.fixture
def enhanced(tmp_path):
    """An enhanced file of seven frames, to be changed and read."""
    scan(tmp_path / "classic", "x", FLAIR_TIMES)
    merge(sorted((tmp_path / "classic").iterdir()), tmp_path / "enhanced")
    return tmp_path / "enhanced"


def item(**elements):
    data = pydicom.Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data


def test_two_inversions_of_an_enhanced_file_are_a_double_inversion(enhanced):
    data = pydicom.dcmread(enhanced)
    modifier = item(InversionRecovery="YES", InversionTimes=[3400.0, 325.0])
    data.SharedFunctionalGroupsSequence[0].MRModifierSequence = [modifier]
    data.save_as(enhanced)
    file = headers.read(enhanced)
    assert file.header.inversions == (3400, 325)
    assert {frame.ti for frame in file.header.frames} == {325}
    (series,) = sort({enhanced: file})
    found = recognise(series.blocks[0].facts, defaults())
    assert (found.suffix, found.entities) == ("T2w", "acq-dir")


@pytest.mark.parametrize(
    ("of_file", "of_frames", "part"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "NONE"]}, {}, "phase"),
        ({"ComplexImageComponent": "REAL"}, {}, "real"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P"]}, {"ComplexImageComponent": "MAGNITUDE"}, "mag"),
        ({"ComplexImageComponent": "MIXED"}, {"FrameType": ["ORIGINAL", "PRIMARY", "PHASE MAP"]}, "phase"),
        ({}, {"ComplexImageComponent": "IMAGINARY"}, "imag"),
    ],
)
def test_parts_of_enhanced_files(enhanced, of_file, of_frames, part):
    data = pydicom.dcmread(enhanced)
    for keyword, value in of_file.items():
        setattr(data, keyword, value)
    for frame in data.PerFrameFunctionalGroupsSequence if of_frames else ():
        frame.MRImageFrameTypeSequence = [item(**of_frames)]
    data.save_as(enhanced)
    assert {frame.part for frame in headers.read(enhanced).header.frames} == {part}
