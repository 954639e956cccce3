"""The phantom as it would come off a scanner: classic single-frame MR objects, one file a slice."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from ..cohort import bids
from ..errors import RecontrastError
from ..images import replacing, sidecar
from ..layout import Session

# The people are made up; their names stand in the headers so that it can be seen that they go no further.
NAMES = ("Avalon", "Brocken", "Camelot", "Dunmore", "Elsinore", "Fingal", "Grimsel", "Hibernia")
GIVEN = ("Alba", "Bran", "Cora", "Dylan", "Enid", "Finn", "Gwen", "Hugo", "Isolde")
FIRST_DAY = (2023, 3)  # year and month of the first visit; later ones follow half a year apart
TO_LPS = np.diag([-1.0, -1.0, 1.0])
CONTRAST_NAMES = {"acq-dir_T2w": "DIR", "acq-se_T1w": "T1 SE", "MESE": "MDME"}


def make_dicom(bids_folder: Path, out: Path) -> None:
    """Write every image of a phantom as DICOM, under made-up names of people and file names that say nothing.

    Times, angles, geometry, b-values and directions of diffusion are in the standard elements. The images of
    one multi-delay multi-echo acquisition become one series. The same phantom gives the same bytes.

    Args:
        bids_folder: a phantom as `cohort.make` writes it.
        out: folder to make: PERSON/STUDY/SERIES/FILE.

    Raises:
        RecontrastError: the first folder is no BIDS folder, or the second holds something.
    """
    images, _ = bids.scan(bids_folder)
    if out.exists() and any(out.iterdir()):
        raise RecontrastError("is not empty", file=out, remedy="choose another folder")
    people = bids.read_participants(bids_folder)
    series: dict[tuple[Session, str], list[bids.RawImage]] = {}
    for image in images:
        session = Session(image.participant, image.session)
        entities = [f"{k}-{v}" for k, v in image.entities.items() if image.suffix != "MESE"]
        series.setdefault((session, "_".join([*entities, image.suffix])), []).append(image)
    with replacing(out) as partial:
        numbers: dict[Session, int] = {}
        for (session, contrast), members in sorted(series.items()):
            numbers[session] = numbers.get(session, 0) + 1
            header = describe(session, people.get(session.participant, {}))
            folder = (
                partial
                / f"PA{session.participant}"
                / f"ST{session.session or 1}"
                / f"SE{numbers[session]:04d}"
            )
            folder.mkdir(parents=True)
            write_series(folder, header, contrast, numbers[session], [image.path for image in members])


def describe(session: Session, row: dict[str, str]) -> Dataset:
    """What all files of one study say of person and study."""
    number = sum(map(ord, session.participant)) + 7 * int(session.participant or 0)
    visit = int(session.session or 1)
    year, month = divmod(12 * FIRST_DAY[0] + FIRST_DAY[1] - 1 + 6 * (visit - 1), 12)
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 100"
    data.SOPClassUID = MRImageStorage
    data.PatientName = f"{NAMES[number % len(NAMES)]}^{GIVEN[number % len(GIVEN)]}"
    data.PatientID = f"RC-{session.participant}"
    data.PatientBirthDate = f"{FIRST_DAY[0] - int(row.get('age', 40))}0101"
    data.PatientSex = {"F": "F", "M": "M"}.get(row.get("sex", ""), "O")
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = f"{year}{month + 1:02d}15"
    data.StudyTime = "090000"
    data.StudyInstanceUID = _uid(session.label)
    data.FrameOfReferenceUID = _uid(session.label, "frame")
    data.StudyID, data.AccessionNumber = f"{number}", f"AC{number}{visit}"
    data.ReferringPhysicianName, data.InstitutionName = "Physician^None", "Recontrast phantom scanner"
    data.StudyDescription = "Recontrast phantom"
    data.Modality, data.Manufacturer, data.ManufacturerModelName = "MR", "Recontrast", "Phantom"
    data.PatientPosition, data.BodyPartExamined = "HFS", "BRAIN"
    data.PositionReferenceIndicator = ""
    return data


def write_series(folder: Path, header: Dataset, contrast: str, number: int, paths: list[Path]) -> None:
    """Write the images of one series, volume by volume and slice by slice."""
    data = Dataset()
    data.update(header)
    data.SeriesNumber, data.SeriesInstanceUID = 100 * number + 1, _uid(header.StudyInstanceUID, contrast)
    data.SeriesDescription = data.ProtocolName = CONTRAST_NAMES.get(contrast, contrast)
    data.SeriesTime = data.AcquisitionTime = data.ContentTime = f"09{number:02d}00"
    facts = [json.loads(sidecar(path).read_text(encoding="utf-8")) for path in paths]
    loaded = [nib.load(path) for path in paths]
    data.ImagesInAcquisition = sum(int(np.prod(image.shape[2:])) for image in loaded)
    instance = 0
    for path, image, fact in zip(paths, loaded, facts, strict=True):
        set_parameters(data, fact)
        volumes = np.asarray(image.dataobj).reshape(*image.shape[:3], -1)
        weightings = diffusion(path, image.affine, volumes.shape[3])
        for volume, weighting in enumerate(weightings):
            data.TemporalPositionIdentifier, data.NumberOfTemporalPositions = volume + 1, volumes.shape[3]
            set_diffusion(data, weighting)
            for k in range(volumes.shape[2]):
                instance += 1
                set_slice(data, image.affine, volumes[:, :, k, volume], k, instance)
                write_file(folder / f"IM{instance:05d}", data)


def set_parameters(data: Dataset, facts: dict) -> None:
    """The parameters of the sequence, from a sidecar of the phantom, in ms and degrees."""
    sequence = facts.get("ScanningSequence", "SE")
    data.ScanningSequence = (
        ["SE", "EP"] if sequence == "EP" else ["SE", "IR"] if sequence == "IR" else sequence
    )
    data.SequenceVariant, data.ScanOptions = "NONE", ""
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    data.MRAcquisitionType = facts.get("MRAcquisitionType", "2D")
    data.MagneticFieldStrength = facts.get("MagneticFieldStrength", 3)
    data.RepetitionTime = _ds(1000 * facts["RepetitionTime"])
    data.EchoTime = _ds(1000 * facts["EchoTime"])
    data.FlipAngle = _ds(facts["FlipAngle"])
    data.EchoNumbers, data.EchoTrainLength = facts.get("EchoNumber", 1), 1
    if "InversionTime" in facts:
        data.InversionTime = _ds(1000 * facts["InversionTime"])
    if "FirstInversionTime" in facts:
        data.InversionTimes = [1000 * facts["FirstInversionTime"], 1000 * facts["InversionTime"]]
    if "SaturationDelayTime" in facts:
        # Classic objects have no element for the delay after a saturation; scanners put it here.
        data.InversionTime, data.SaturationRecovery = _ds(1000 * facts["SaturationDelayTime"]), "YES"


def diffusion(path: Path, affine: np.ndarray, count: int) -> list[tuple[float, np.ndarray] | None]:
    """b-value (s/mm²) and direction (unit vector, LPS) of each volume; None where nothing is weighted."""
    beside = [path.with_name(path.name.removesuffix(".nii.gz") + ending) for ending in (".bval", ".bvec")]
    if not beside[0].is_file():
        return [None] * count
    bvals, bvecs = (np.loadtxt(file, ndmin=2) for file in beside)
    # FSL counts x from the right in images whose axes are right-handed.
    flip = np.array([-1.0 if np.linalg.det(affine[:3, :3]) > 0 else 1.0, 1.0, 1.0])
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    directions = (bvecs.T * flip) @ axes.T @ TO_LPS
    return list(zip(bvals.ravel().tolist(), directions, strict=True))


def set_diffusion(data: Dataset, weighting: tuple[float, np.ndarray] | None) -> None:
    """The diffusion weighting of one volume."""
    for keyword in ("DiffusionBValue", "DiffusionGradientOrientation", "DiffusionDirectionality"):
        if keyword in data:
            delattr(data, keyword)
    if weighting is None:
        return
    b, direction = weighting
    data.ImageType = ["ORIGINAL", "PRIMARY", "DIFFUSION", "M"]
    data.DiffusionBValue = float(b)
    data.DiffusionDirectionality = "DIRECTIONAL" if b else "NONE"
    data.DiffusionGradientOrientation = (direction if b else np.zeros(3)).tolist()


def set_slice(data: Dataset, affine: np.ndarray, pixels: np.ndarray, k: int, instance: int) -> None:
    """Where one slice lies, and its pixels: shape (columns, rows), int16."""
    axes = TO_LPS @ affine[:3, :3]
    zooms = np.linalg.norm(axes, axis=0)
    place = TO_LPS @ (affine[:3, :3] @ [0, 0, k] + affine[:3, 3])
    row, column = axes[:, 0] / zooms[0], axes[:, 1] / zooms[1]
    data.InstanceNumber, data.AcquisitionNumber = instance, 1
    data.SOPInstanceUID = _uid(data.SeriesInstanceUID, str(instance))
    data.ImageOrientationPatient = [_ds(v) for v in (*row, *column)]
    data.ImagePositionPatient = [_ds(v) for v in place]
    data.SliceLocation = _ds(float(place @ np.cross(row, column)))
    data.PixelSpacing = [_ds(zooms[1]), _ds(zooms[0])]
    data.SliceThickness = data.SpacingBetweenSlices = _ds(zooms[2])
    data.Columns, data.Rows = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.PixelData = np.ascontiguousarray(pixels.T, "<i2").tobytes()
    data["PixelData"].VR = "OW"


def write_file(path: Path, data: Dataset) -> None:
    """Write one file with the meta information that the standard asks for."""
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def _ds(value: float) -> str:
    """A number as DICOM writes it, in 16 characters at most."""
    return format_number_as_ds(float(value) + 0.0)


def _uid(*parts: str) -> str:
    return generate_uid(entropy_srcs=["Recontrast phantom", *parts])
