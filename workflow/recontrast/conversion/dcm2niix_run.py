"""Running dcm2niix on one series, and holding what it wrote against the headers."""

import contextlib
import errno
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset

from .. import processes
from ..errors import RecontrastError
from .sidecar import clean

TOLERANCE = 0.01  # mm between a corner voxel and where the headers have it
QUOTING = "::autoBids"
# What operators type (in quotation marks), dates and times.
PERSONAL = re.compile(r"""(['"]).*\1|\d{8,}(\.\d+)?""")
DEFLATED = "1.2.840.10008.1.2.1.99"  # a transfer syntax


@contextlib.contextmanager
def converted(series: Path) -> Iterator[tuple[Path, dict]]:
    """The NIfTI file that dcm2niix makes of a list of the plan, in a temporary folder, and what is known of it.

    Raises:
        RecontrastError: see `convert`.
    """
    wanted = json.loads(series.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="recontrast-") as name:
        source, target = Path(name, "in"), Path(name, "out")
        source.mkdir(), target.mkdir()
        collect(wanted["files"], source)
        said = run_dcm2niix(source, target).replace(name, "")
        print(brief(said))
        try:
            chosen, others = choose(sorted(target.glob("*.nii")), wanted)
            check_length(chosen)
            place_by_last_slice(chosen, wanted)
            check(nib.load(chosen), wanted, split_off(said) if others else 0)
        except RecontrastError as error:
            if not wanted.get("lacks"):
                raise
            remedy = "transfer it again, or set use to no for the series"
            raise RecontrastError(f"{error.problem}; {wanted['lacks']}", remedy=remedy) from error
        facts = clean(json.loads(chosen.with_suffix(".json").read_text(encoding="utf-8")))
        facts |= wanted["parameters"]
        facts = {name: value for name, value in facts.items() if value is not None}
        facts |= {"ConversionSoftware": "dcm2niix", "ConversionSoftwareVersion": version("dcm2niix")}
        if others:
            facts["SplitOff"] = others
            print("dcm2niix split off:", ", ".join(others))
        if wanted.get("lacks"):
            facts["Incomplete"] = wanted["lacks"]
        yield chosen, facts | {"Sources": [series.name]}


def collect(files: list[str], folder: Path) -> None:
    """Links to the files of a series, under names that say nothing."""
    gone = [path for path in files if not os.path.isfile(path)]
    if gone:
        raise RecontrastError(
            f"{len(gone)} of {len(files)} files of the series no longer exist", remedy="plan again"
        )
    for number, path in enumerate(files):
        place = folder / f"{number:06d}.dcm"
        try:
            if not _rewrite(path, place):
                place.symlink_to(os.path.abspath(path))
        except OSError as error:  # folders of DICOM may be called as their patients are
            raise OSError(error.errno, error.strerror, f"file {number + 1} of the series") from None


def _rewrite(path: str, place: Path) -> bool:
    """Write a file anew where dcm2niix could not read it as it is: deflated, or without a preamble."""
    with open(path, "rb") as file:
        has_preamble = file.read(132)[128:] == b"DICM"
    if has_preamble and pydicom.filereader.read_file_meta_info(path).get("TransferSyntaxUID") != DEFLATED:
        return False
    data = pydicom.dcmread(path, force=True)
    syntax = data.file_meta.get("TransferSyntaxUID") or _encoding(data)
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian if syntax == DEFLATED else syntax
    try:
        data.save_as(place, enforce_file_format=True)
    except (ValueError, KeyError, AttributeError, NotImplementedError) as error:
        remedy = "export the series again, or set use to no for it"
        raise RecontrastError("a file has no preamble and cannot be rewritten", remedy=remedy) from error
    return True


def _encoding(data: Dataset) -> str:
    """The transfer syntax of a file that does not say it, as it was read."""
    is_implicit, is_little = data.original_encoding
    if is_implicit:
        return pydicom.uid.ImplicitVRLittleEndian
    return pydicom.uid.ExplicitVRLittleEndian if is_little else pydicom.uid.ExplicitVRBigEndian


def run_dcm2niix(source: Path, target: Path) -> str:
    """Run the wheel's dcm2niix through nipype's interface and return what it said."""
    # nipype asks a server for its newest version unless told not to.
    os.environ["NIPYPE_NO_ET"] = os.environ["NO_ET"] = "1"
    import dcm2niix
    from nipype.interfaces.dcm2nii import Dcm2niix

    interface = Dcm2niix(
        source_dir=str(source),
        output_dir=str(target),
        out_filename="image",
        compress="n",
        anon_bids=True,
        merge_imgs=2,
        terminal_output="allatonce",
    )
    interface.inputs.environ = {"PATH": f"{Path(dcm2niix.bin).parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = interface.run()
    except RuntimeError as error:
        last = [line for line in str(error).splitlines() if "rror" in line][-1:]
        said = " ".join(last).replace(str(source.parent), "")
        raise RecontrastError(
            f"dcm2niix could not convert the series ({PERSONAL.sub('…', said)})", remedy="see the log"
        ) from error
    said = f"{done.runtime.cmdline}\n{done.runtime.stdout}\n{done.runtime.stderr}".strip()
    processes.check("dcm2niix", done.runtime.returncode, said)  # nipype takes its other ends for success
    return said


def brief(said: str) -> str:
    """A tool's output with each line once, as it repeats warnings for every file.

    Series descriptions, which operators type, are left out, as are dates and times: they may tell of a person.
    """
    lines = (line for line in said.splitlines() if not line.startswith(QUOTING))
    counts = Counter(PERSONAL.sub("…", line) for line in lines)
    return "\n".join(line + (f" ({n} times)" if n > 1 else "") for line, n in counts.items())


def split_off(said: str) -> int:
    """How many volumes dcm2niix says it took out of an image, as the scanner had computed them from others.

    The file that it writes beside the image holds all volumes, so that their number does not tell.
    """
    match = re.search(r"(\d+) volumes appear to be (ADC|trace)", said)
    return int(match[1]) if match else 0


def choose(made: list[Path], wanted: dict) -> tuple[Path, list[str]]:
    """The one file that is the image wanted, and what else dcm2niix made of the series, in words.

    An enhanced file may hold several images: they are told apart by echo time and part.
    """
    main = [path for path in made if not path.stem.endswith("_ADC") and "_Eq" not in path.stem]
    if len(main) > 1:
        main = [path for path in main if _fits(path, wanted)]
    if len(main) != 1:
        names = ", ".join(f"{path.stem} {nib.load(path).shape}" for path in made) or "nothing"
        raise RecontrastError(
            f"dcm2niix made {names} from it instead of one image", remedy="set use to no for the series"
        )
    others = [
        path.stem.removeprefix("image_") for path in made if path != main[0] and path.stem.endswith("_ADC")
    ]
    return main[0], others


def _volumes(image: nib.Nifti1Image) -> int:
    return image.shape[3] if image.ndim > 3 else 1


def _fits(path: Path, wanted: dict) -> bool:
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    echo, delay = wanted.get("echo_time"), wanted.get("inversion_time")
    part = next(
        (p for p, end in (("phase", "_ph"), ("real", "_real"), ("imag", "_imaginary")) if end in path.stem),
        "mag",
    )
    return (
        (echo is None or abs(1000 * facts.get("EchoTime", 0) - echo) < 0.06)
        and (delay is None or abs(1000 * facts.get("InversionTime", 0) - delay) < 0.6)
        and part == wanted["part"]
    )


def check_length(path: Path) -> None:
    """Raise unless a NIfTI file holds all the data of its header: dcm2niix goes on where the disk is full."""
    image = nib.load(path)
    needed = image.dataobj.offset + image.header.get_data_dtype().itemsize * int(np.prod(image.shape))
    if path.stat().st_size < needed:
        raise OSError(errno.EIO, f"dcm2niix wrote an image in part; is {tempfile.gettempdir()} full?")


def place_by_last_slice(path: Path, wanted: dict) -> None:
    """Correct where an image lies, by the first and the last slice of the headers, if it is off by rounding.

    dcm2niix takes the distance of slices from the first two alone, whose positions are printed with few digits by some
    scanners: over many slices the error adds up.
    """
    # Corners may be unknown, and are more than eight for a mosaic, which has one position alone.
    if wanted["corners"] is None or len(wanted["corners"]) != 8:
        return
    image, corners = nib.load(path), np.array(wanted["corners"])
    ends, distances = _ends(image, corners)
    facing = distances.argmin(axis=1)
    allowed = TOLERANCE + np.sqrt(3) * wanted.get("rounding", 0) * (max(image.shape[:3]) - 1)
    if not TOLERANCE < distances.min(axis=1).max() <= allowed or len({*facing}) < len(ends):
        return
    solved, *_ = np.linalg.lstsq(np.c_[ends, np.ones(len(ends))], corners[facing], rcond=None)
    affine = np.vstack([solved.T, [0, 0, 0, 1]])
    with open(path, "r+b") as file:
        # The header of a loaded image lacks offset and scale.
        header = nib.Nifti1Header.from_fileobj(file, check=False)
        header.set_qform(affine, int(header["qform_code"]))
        header.set_sform(affine, int(header["sform_code"]))
        file.seek(0)
        file.write(header.binaryblock)
    print("placed by the first and the last slice, as the headers round positions")


def _ends(image: nib.Nifti1Image, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corner voxels of an image (8, 3), and how far each is from every corner of the headers, (8, n) in mm."""
    ends = np.array(list(product(*[(0, n - 1) for n in image.shape[:3]])), float)
    made = nib.affines.apply_affine(image.affine, ends)
    return ends, np.linalg.norm(made[:, None] - corners[None], axis=2)


def check(image: nib.Nifti1Image, wanted: dict, apart: int) -> None:
    """Raise unless an image has the slices, volumes and corners that the headers say.

    Args:
        apart: how many volumes were split off.
    """
    volumes = _volumes(image)
    if volumes + apart != wanted["volumes"]:
        further = f" and split off {apart}" if apart else ""
        raise RecontrastError(
            f"dcm2niix made {volumes} volumes from it{further}, but the headers say {wanted['volumes']}"
        )
    if wanted["corners"] is None:
        return
    apart = _ends(image, np.array(wanted["corners"]))[1].min(axis=1).max()
    if apart > TOLERANCE:
        raise RecontrastError(f"dcm2niix placed it {apart:.3f} mm from the position in the headers")
