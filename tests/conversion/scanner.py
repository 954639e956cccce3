"""A tiny scanner: DICOM folders of known images, which a test may then spoil."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from recontrast import images
from recontrast.conversion.convert import convert
from recontrast.conversion.convert_diffusion import convert_diffusion
from recontrast.conversion.plan import Planned, plan
from recontrast.conversion.settings import Conversion
from recontrast.layout import Session
from recontrast.phantom import dicom

T1W = {
    "RepetitionTime": 0.02,
    "EchoTime": 0.004,
    "FlipAngle": 25,
    "ScanningSequence": "GR",
    "MRAcquisitionType": "3D",
}
T2W = {"RepetitionTime": 5.0, "EchoTime": 0.1, "FlipAngle": 90, "ScanningSequence": "SE"}
SHAPE = (8, 9, 7)


def oblique(left_handed: bool = True) -> np.ndarray:
    """A voxel-to-world map with three voxel sizes, turned about all axes."""
    turn = nib.eulerangles.euler2mat(0.2, -0.15, 0.1)
    affine = nib.affines.from_matvec(
        turn @ np.diag([-2.0 if left_handed else 2.0, 2.5, 4.0]), [10.0, -20.0, 5.0]
    )
    return affine


def scan(
    folder: Path,
    contrast: str = "T1w",
    facts: dict | None = None,
    *,
    number: int = 1,
    participant: str = "1",
    session: str = "",
    affine: np.ndarray | None = None,
    shape: tuple[int, ...] = SHAPE,
    weighting: tuple[np.ndarray, np.ndarray] | None = None,
    seed: int = 0,
    **elements: object,
) -> np.ndarray:
    """Write one series into `folder` and return its data; `elements` replace what stands in the headers."""
    data = np.random.default_rng(seed).integers(0, 900, shape).astype(np.int16)
    grid = nib.Nifti1Image(np.zeros(shape[:3], np.uint8), oblique() if affine is None else affine)
    header = dicom.describe(Session(participant, session), {"age": "40"})
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "image.nii.gz")
        images.write(path, data, grid, facts=facts or {"T1w": T1W}.get(contrast, T2W))
        for ending, table in zip(("bval", "bvec"), weighting or (), strict=bool(weighting)):
            np.savetxt(path.with_name(f"image.{ending}"), np.atleast_2d(table), fmt="%.6f")
        dicom.write_series(folder, header, contrast, number, [path])
    if elements:
        for file in folder.glob("IM*"):
            change(file, **elements)
    return data


def change(file: Path, **elements: object) -> None:
    """Replace elements of one file."""
    data = pydicom.dcmread(file)
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    data.save_as(file)


def mosaic(files: list[Path], path: Path, number: int) -> None:
    """Put the slices of one volume into one picture, as Siemens' scanners do."""
    slices = [pydicom.dcmread(file) for file in files]
    whole, one = pydicom.dcmread(files[0]), slices[0]
    side = int(np.ceil(np.sqrt(len(slices))))
    rows, columns = one.Rows, one.Columns
    picture = np.zeros((side * rows, side * columns), "<i2")
    for place, s in enumerate(slices):
        top, left = (place // side) * rows, (place % side) * columns
        picture[top : top + rows, left : left + columns] = s.pixel_array
    row, column = np.reshape(np.array(one.ImageOrientationPatient, float), (2, 3))
    down, right = (side - 1) / 2 * np.array([rows, columns]) * np.array(one.PixelSpacing, float)
    corner = np.array(one.ImagePositionPatient, float) - right * row - down * column
    whole.ImagePositionPatient = [f"{value:.10g}" for value in corner]
    whole.Rows, whole.Columns = picture.shape
    whole.PixelData = picture.tobytes()
    whole.Manufacturer, whole.InstanceNumber = "SIEMENS", number
    whole.AcquisitionNumber = number
    whole.ImageType = ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE", "ND", "MOSAIC"]
    whole.ImagesInAcquisition = 2
    block = whole.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", len(slices))
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.save_as(path)


def merge(files: list[Path], path: Path) -> None:
    """Put classic files into one enhanced file, as newer scanners write them, echo by echo."""
    slices = [pydicom.dcmread(file) for file in files]
    whole, one = pydicom.dcmread(files[0]), slices[0]
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedMRImageStorage
    whole.SOPInstanceUID = whole.file_meta.MediaStorageSOPInstanceUID = f"{one.SeriesInstanceUID}.1"
    whole.EchoPulseSequence = "GRADIENT" if one.ScanningSequence == "GR" else "SPIN"
    shared = pydicom.Dataset()
    shared.MRTimingAndRelatedParametersSequence = [_only(one, "RepetitionTime", "FlipAngle")]
    shared.PixelMeasuresSequence = [_only(one, "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_only(one, "ImageOrientationPatient")]
    whole.SharedFunctionalGroupsSequence = [shared]
    whole.PerFrameFunctionalGroupsSequence = []
    echoes = sorted({float(s.EchoTime) for s in slices})
    for number, one in enumerate(slices):
        frame, content = pydicom.Dataset(), pydicom.Dataset()
        echo = echoes.index(float(one.EchoTime)) + 1
        content.StackID, content.InStackPositionNumber = "1", number % (len(slices) // len(echoes)) + 1
        content.DimensionIndexValues = [1, content.InStackPositionNumber, echo]
        frame.FrameContentSequence = [content]
        frame.PlanePositionSequence = [_only(one, "ImagePositionPatient")]
        timing = pydicom.Dataset()
        timing.EffectiveEchoTime = float(one.EchoTime)
        frame.MREchoSequence = [timing]
        whole.PerFrameFunctionalGroupsSequence.append(frame)
    keys = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime", "RepetitionTime")
    for key in (
        *keys,
        "FlipAngle",
        "EchoNumbers",
        "ScanningSequence",
        "ImagesInAcquisition",
        "SliceLocation",
    ):
        if key in whole:
            delattr(whole, key)
    whole.NumberOfFrames = len(slices)
    whole.PixelData = b"".join(s.PixelData for s in slices)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.save_as(path)


def _only(data: pydicom.Dataset, *keywords: str) -> pydicom.Dataset:
    part = pydicom.Dataset()
    for keyword in keywords:
        part[keyword] = data[keyword]
    return part


def lossless_jpeg(pixels: np.ndarray) -> bytes:
    """Pixels (rows, columns), uint16, as the commonest compression in DICOM: JPEG process 14, each from its left.

    Every difference has a code of five bits for its length, ITU-T T.81 annex H.
    """
    values = pixels.astype(int)
    predicted = np.empty_like(values)
    predicted[:, 1:], predicted[1:, 0], predicted[0, 0] = values[:, :-1], values[:-1, 0], 1 << 15
    bits = []
    for step in (values - predicted).ravel():
        size = int(abs(step)).bit_length()
        bits.append(
            f"{size:05b}" + (f"{step if step > 0 else step + (1 << size) - 1:0{size}b}" if size else "")
        )
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    coded = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    size = b"".join(n.to_bytes(2, "big") for n in pixels.shape)
    frame = b"\xff\xc3\0\x0b\x10" + size + b"\1\1\x11\0"
    return (
        b"\xff\xd8" + frame + b"\xff\xc4\0\x24" + table + b"\xff\xda\0\x08\1\1\0\1\0\0" + coded + b"\xff\xd9"
    )


def sort(source: Path, out: Path, settings: Conversion | None = None) -> Planned:
    """The plan for one DICOM folder."""
    return plan([(source, "")], settings or Conversion(), out, jobs=1)


def convert_all(planned: Planned, out: Path) -> list[Path]:
    """Run every conversion of a plan as the rules would."""
    made = []
    for path, job in planned.jobs.items():
        start = str(out / path).removesuffix(".nii.gz")
        if job.image.suffix == "dwi":
            beside = {ending: Path(f"{start}.{ending}") for ending in ("bval", "bvec")}
            convert_diffusion(series=job.list, output=out / path, **beside)
        else:
            convert(series=job.list, output=out / path)
        made.append(out / path)
    return made


def distance(made: nib.Nifti1Image, data: np.ndarray, affine: np.ndarray) -> float:
    """Largest distance in mm between voxels of equal place; raises if their values are not equal."""
    steps = np.linalg.inv(affine) @ made.affine
    index = np.indices(made.shape[:3]).reshape(3, -1)
    places = steps[:3, :3] @ index + steps[:3, 3:]
    nearest = places.round().astype(int)
    values = np.asanyarray(made.dataobj).reshape(-1, *made.shape[3:])
    np.testing.assert_array_equal(values, data[tuple(nearest)])
    return float(np.linalg.norm(affine[:3, :3] @ (places - nearest), axis=0).max())


def world(bvecs: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Directions in the world, (n, 3), of FSL's vectors, (3, n), in the axes of an image."""
    flip = np.array([-1.0 if np.linalg.det(affine[:3, :3]) > 0 else 1.0, 1.0, 1.0])
    return (bvecs.T * flip) @ (affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)).T


def angles(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Degrees between axes, sign aside, where both have one."""
    there = np.linalg.norm(other, axis=1) > 0.5
    cosine = np.abs(np.sum(one * other, axis=1)[there])
    return np.degrees(np.arccos(np.clip(cosine, 0, 1)))
