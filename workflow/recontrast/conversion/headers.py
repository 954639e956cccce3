"""The header of one file: what it shows, of whom, and where in space; or why it is no MR image."""

import hashlib
import io
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset

from .elements import Private, group, number, numbers, private_numbers, text, texts, whole
from .folders import may_be_dicom

MR_IMAGES = {
    "1.2.840.10008.5.1.4.1.1.4": "classic",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced",
    "1.2.840.10008.5.1.4.1.1.4.4": "enhanced",  # converted from classic files
}
DIRECTORY = "1.2.840.10008.1.3.10"
DEFLATED = "1.2.840.10008.1.2.1.99"
# b-values of Siemens, Philips, GE and UIH; the number of slices in a mosaic, and that which Philips announces.
PRIVATE_B = (
    Private(0x0019, 0x0C, "SIEMENS MR HEADER", "IS"),
    Private(0x2001, 0x03, "Philips Imaging DD 001", "FL"),
    Private(0x0043, 0x39, "GEMS_PARM_01", "IS"),
    Private(0x0065, 0x09, "Image Private Header", "FD"),
)
SIEMENS_TILES = Private(0x0019, 0x0A, "SIEMENS MR HEADER", "US")
GE_PART = Private(0x0043, 0x2F, "GEMS_PARM_01", "SS")
GE_PARTS = {1: "phase", 2: "real", 3: "imag"}  # 0 is the magnitude
PHILIPS_SLICES = Private(0x2001, 0x18, "Philips Imaging DD 001", "SL")
TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientName"),
    *("PatientBirthDate", "PatientSex", "PatientAge", "StudyDate", "SeriesTime", "SeriesNumber"),
    *("InstanceNumber", "SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName"),
    *("ImageType", "ScanningSequence", "SequenceVariant", "MRAcquisitionType", "RepetitionTime", "EchoTime"),
    *("InversionTime", "InversionTimes", "FlipAngle", "DiffusionBValue", "ContrastBolusAgent", "Rows"),
    *("Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "ImagePositionPatient"),
    *(
        "ImageOrientationPatient",
        "PixelSpacing",
        "SpacingBetweenSlices",
        "ImagesInAcquisition",
        "SaturationRecovery",
    ),
    *("ComplexImageComponent", "EchoPulseSequence", "EchoPlanarPulseSequence", "InversionRecovery"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "ContrastBolusAgentSequence"),
    *(tag for element in (*PRIVATE_B, SIEMENS_TILES, PHILIPS_SLICES, GE_PART) for tag in element.tags),
]
# What pydicom lets through when a file is damaged, depending on where it is.
DAMAGED = (
    *(pydicom.errors.InvalidDicomError, pydicom.errors.BytesLengthException),
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError),
    *(struct.error, zlib.error, AssertionError, IndexError, OverflowError, RecursionError),
)
KINDS = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89PNG", "a PNG"),
)
PARTS = (("phase", ("P", "PHASE", "PHASE MAP")), ("real", ("R", "REAL")), ("imag", ("I", "IMAGINARY")))


class Frame(NamedTuple):
    """One slice: position of its first voxel and directions of rows and columns (mm, LPS), times in ms."""

    position: tuple[float, float, float]
    orientation: tuple[float, ...]
    te: float | None
    ti: float | None
    b: float | None
    part: str


class Header(NamedTuple):
    """One file that holds MR images.

    Attributes:
        person: patient's ID, name and date of birth, as text.
        sex: M, F or O, or empty.
        age: in whole years at the time of the study, or None.
        date: of the study, YYYYMMDD, or empty.
        spacing: distance between rows and between columns in mm.
        distance: between slices in mm, or None.
        tiles: how many slices a mosaic holds; 0 where it does not say, or is none.
        inversions: inversion times in ms, the first pulse first, where the header lists them.
        saturation: whether the delay (`ti` of the frames) follows a saturation instead of an inversion.
        announced: how many images the scanner meant to make; 0 where it does not say.
        slices: how many slices a volume was meant to have; 0 where it does not say.
        problem: why the file cannot be used, or empty.
        frames: its slices; one in a classic file.
    """

    sop: str
    series: str
    study: str
    person: tuple[str, str, str]
    sex: str
    age: int | None
    date: str
    time: str
    number: int
    instance: int
    description: str
    protocol: str
    image_type: str
    sequence: tuple[str, ...]
    acquisition: str
    tr: float | None
    flip: float | None
    inversions: tuple[float, ...]
    saturation: bool
    agent: bool
    rows: int
    columns: int
    spacing: tuple[float, float]
    distance: float | None
    tiles: int
    announced: int
    slices: int
    problem: str
    frames: tuple[Frame, ...]


class File(NamedTuple):
    """One file: the SHA-256 of its bytes, and its header or why it is no MR image."""

    sha256: str
    header: Header | None
    reason: str = ""


def read(path: str | Path) -> File:
    """Read a file once: hash all of it, and parse the header alone."""
    try:
        with open(path, "rb") as file:
            start = file.read(132)
            if reason := _foreign(start):
                return File("", None, reason)
            content = start + file.read()
    except OSError as error:
        return File("", None, f"cannot be opened ({error.strerror})")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        header = parse(content)
    except DAMAGED:
        return File(sha256, None, "an unreadable DICOM file, or not a DICOM file")
    return File(sha256, header) if isinstance(header, Header) else File(sha256, None, header)


def _foreign(start: bytes) -> str:
    """What a file is that cannot be DICOM by its first bytes, or nothing."""
    if may_be_dicom(start):
        return ""
    kind = next((name for magic, name in KINDS if start.startswith(magic)), "")
    if not start:
        return "an empty file"
    plain = all(byte >= 32 or byte in b"\t\r\n\f" for byte in start)
    return kind or ("a text file" if plain else "not a DICOM file")


def parse(content: bytes) -> Header | str:
    """The header of a DICOM file, or why it holds no MR image."""
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    stream = io.BytesIO(content)
    force = content[128:132] != b"DICM"
    data = pydicom.dcmread(stream, stop_before_pixels=True, force=force, specific_tags=TAGS)
    kind = str(data.get("SOPClassUID", "") or data.file_meta.get("MediaStorageSOPClassUID", ""))
    if kind == DIRECTORY:
        return "a DICOMDIR"
    if kind not in MR_IMAGES:
        return f"not an MR image but {pydicom.uid.UID(kind).name}" if kind else "a DICOM file of unknown type"
    if whole(data, "SamplesPerPixel", 1) != 1:
        return "a colour image"
    frames = _enhanced(data) if MR_IMAGES[kind] == "enhanced" else _classic(data)
    if not frames:
        return "an image without a position in space"
    timing = group(data, 0, "MRTimingAndRelatedParametersSequence") if MR_IMAGES[kind] == "enhanced" else data
    measures = group(data, 0, "PixelMeasuresSequence") if MR_IMAGES[kind] == "enhanced" else data
    return Header(
        sop=str(data.get("SOPInstanceUID", "")),
        series=str(data.get("SeriesInstanceUID", "")),
        study=str(data.get("StudyInstanceUID", "")),
        person=tuple(text(data, tag) for tag in ("PatientID", "PatientName", "PatientBirthDate")),
        sex=sex if (sex := text(data, "PatientSex").upper()) in ("M", "F", "O") else "",
        age=age(text(data, "PatientAge"), text(data, "PatientBirthDate"), text(data, "StudyDate")),
        date=text(data, "StudyDate"),
        time=text(data, "SeriesTime"),
        number=whole(data, "SeriesNumber"),
        instance=whole(data, "InstanceNumber"),
        description=text(data, "SeriesDescription"),
        protocol=" ".join(
            text(data, tag) for tag in ("ProtocolName", "SequenceName", "PulseSequenceName")
        ).strip(),
        image_type="/".join(texts(data, "ImageType")),
        sequence=_sequence(data),
        acquisition=text(data, "MRAcquisitionType"),
        tr=number(timing, "RepetitionTime"),
        flip=number(timing, "FlipAngle"),
        inversions=numbers(data, "InversionTimes")
        or numbers(group(data, 0, "MRModifierSequence"), "InversionTimes"),
        saturation=text(data, "SaturationRecovery") == "YES",
        agent=bool(text(data, "ContrastBolusAgent") or data.get("ContrastBolusAgentSequence")),
        rows=whole(data, "Rows"),
        columns=whole(data, "Columns"),
        spacing=(*numbers(measures, "PixelSpacing"), 1.0, 1.0)[:2],
        distance=number(measures, "SpacingBetweenSlices"),
        tiles=int(next(iter(private_numbers(data, SIEMENS_TILES)), 0)),
        announced=whole(data, "ImagesInAcquisition"),
        slices=int(next(iter(private_numbers(data, PHILIPS_SLICES)), 0)),
        problem=_cut_short(data, content, stream.tell()),
        frames=frames,
    )


def age(stated: str, birth: str, study: str) -> int | None:
    """Whole years: as the header states them (`034Y`, `018M`), else between two dates (YYYYMMDD)."""
    if match := re.fullmatch(r"(\d{1,3})([DWMY])", stated.upper()):
        return int(int(match[1]) / {"D": 365.25, "W": 52.18, "M": 12, "Y": 1}[match[2]])
    if not (re.fullmatch(r"\d{8}", birth) and re.fullmatch(r"\d{8}", study)) or birth > study:
        return None
    return int(study[:4]) - int(birth[:4]) - (study[4:] < birth[4:])


def _classic(data: Dataset) -> tuple[Frame, ...]:
    place, directions = numbers(data, "ImagePositionPatient"), numbers(data, "ImageOrientationPatient")
    if len(place) != 3 or len(directions) != 6:
        return ()
    b = number(data, "DiffusionBValue")
    for element in PRIVATE_B:
        if b is None and (values := private_numbers(data, element)):
            # GE adds multiples of 1e9 that say how the value was made.
            b = values[0] % 100000
    part = _part(texts(data, "ImageType")[2:])
    if part == "mag":
        part = GE_PARTS.get(int(next(iter(private_numbers(data, GE_PART)), 0)), "mag")
    return (Frame(place, directions, number(data, "EchoTime"), number(data, "InversionTime"), b, part),)


def _enhanced(data: Dataset) -> tuple[Frame, ...]:
    frames = []
    for n in range(len(data.get("PerFrameFunctionalGroupsSequence", []))):
        place = numbers(group(data, n, "PlanePositionSequence"), "ImagePositionPatient")
        directions = numbers(group(data, n, "PlaneOrientationSequence"), "ImageOrientationPatient")
        if len(place) != 3 or len(directions) != 6:
            return ()
        echo = group(data, n, "MREchoSequence")
        frames.append(
            Frame(
                place,
                directions,
                number(echo, "EffectiveEchoTime"),
                next(iter(numbers(group(data, n, "MRModifierSequence"), "InversionTimes")[-1:]), None),
                number(group(data, n, "MRDiffusionSequence"), "DiffusionBValue"),
                _frame_part(data, n),
            )
        )
    return tuple(frames)


def _frame_part(data: Dataset, frame: int) -> str:
    """The part that a frame shows: as it says itself, else as the whole file does."""
    kind = group(data, frame, "MRImageFrameTypeSequence")
    own = (*texts(kind, "ComplexImageComponent"), *texts(kind, "FrameType")[2:])
    return _part(own or (*texts(data, "ComplexImageComponent"), *texts(data, "ImageType")[2:]))


def _sequence(data: Dataset) -> tuple[str, ...]:
    """The tokens of the scanning sequence; those of enhanced files in the words of classic ones."""
    found = set(texts(data, "ScanningSequence"))
    if not found:
        pulses = text(data, "EchoPulseSequence")
        found |= {"SE"} if pulses in ("SPIN", "BOTH") else set()
        found |= {"GR"} if pulses in ("GRADIENT", "BOTH") else set()
    found |= {"EP"} if text(data, "EchoPlanarPulseSequence") == "YES" else set()
    modifier = group(data, 0, "MRModifierSequence")
    found |= (
        {"IR"} if "YES" in (text(data, "InversionRecovery"), text(modifier, "InversionRecovery")) else set()
    )
    return tuple(sorted(found))


def _cut_short(data: Dataset, content: bytes, end: int) -> str:
    """Whether the pixels of an uncompressed file are all there, by its length."""
    syntax = data.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian)
    if syntax.is_compressed or syntax == DEFLATED:
        return ""
    bits = whole(data, "BitsAllocated", 16)
    needed = whole(data, "Rows") * whole(data, "Columns") * (whole(data, "NumberOfFrames") or 1) * bits // 8
    return "a file is cut short" if len(content) - end < needed else ""


def _part(image_type: tuple[str, ...]) -> str:
    return next((part for part, words in PARTS if set(words) & set(image_type)), "mag")
