"""Stand-ins for the programs of FSL and ANTs, put on the PATH by tests.

ANTs' are ANTs itself: antspyx holds the code of its programs, which takes the very command line. FSL's do
something simple and known in the place of each program, after checking how they were called, and write the
files that its documentation names; each command line is kept in calls.txt.
"""

import json
import re
import stat
import sys
from pathlib import Path

ANTS = """
import importlib.util
if sys.argv[1:] == ["--version"]:
    print("ANTs Version: 2.5.3.post12-g0a1b2c3\\nCompiled: Nov 20 2024")
    sys.exit()
# The compiled module alone: importing ants as a whole takes seconds.
[library] = Path(importlib.util.find_spec("ants").origin).parent.glob("lib.*.so")
spec = importlib.util.spec_from_file_location("lib", library)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
sys.exit(getattr(module, Path(sys.argv[0]).name)(sys.argv[1:]))
"""

BRAIN_EXTRACTION = """
import nibabel as nib, numpy as np
from scipy import ndimage
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert Path(os.environ["ANTSPATH"], "antsRegistration").is_file()
assert Path(given["-e"]).is_file() and Path(given["-m"]).is_file() and given["-u"] == "0"
head = nib.load(given["-a"])
pieces, _ = ndimage.label(head.get_fdata() > 100)
inside = (pieces == pieces[tuple(n // 2 for n in head.shape)]).astype(np.uint8)
for name in ("Mask", "Brain"):
    nib.save(nib.Nifti1Image(inside, head.affine), given["-o"] + f"BrainExtraction{name}.nii.gz")
"""

BET = """
import nibabel as nib, numpy as np
from scipy import ndimage
source, target = sys.argv[1:3]
threshold = float(sys.argv[sys.argv.index("-f") + 1])
assert "-m" in sys.argv
head = nib.load(source)
pieces, _ = ndimage.label(head.get_fdata() > 200 * threshold)
inside = (pieces == pieces[tuple(n // 2 for n in head.shape)]).astype(np.uint8)
nib.save(nib.Nifti1Image(inside * head.get_fdata(dtype=np.float32), head.affine), target)
nib.save(nib.Nifti1Image(inside, head.affine), target.replace(".nii.gz", "_mask.nii.gz"))
"""

FAST = """
import nibabel as nib, numpy as np
given = nib.load(sys.argv[-1])
base, data = sys.argv[sys.argv.index("-o") + 1], given.get_fdata(dtype=np.float32)
assert sys.argv[sys.argv.index("-n") + 1] == "3" and sys.argv[sys.argv.index("-S") + 1] == "1"
def save(name, content):
    nib.save(nib.Nifti1Image(content.astype(np.float32), given.affine), f"{base}_{name}.nii.gz")
means = np.quantile(data[data > 0], (0.05, 0.5, 0.95))
for _ in range(30):
    edges = (means[1:] + means[:-1]) / 2
    means = np.array([data[(data > 0) & (np.digitize(data, edges) == i)].mean() for i in range(3)])
save("seg", np.where(data > 0, 1 + np.digitize(data, edges), 0))
if "--nopve" not in sys.argv:
    save("pveseg", np.where(data > 0, 1 + np.digitize(data, edges), 0))
    for index in range(3):
        save(f"pve_{index}", (data > 0) & (np.digitize(data, edges) == index))
if "-b" in sys.argv:
    x = np.linspace(-1, 1, data.shape[0])[:, None, None]
    save("bias", np.where(data > 0, np.exp(0.3 * x), 0))
"""

REORIENT = """
import nibabel as nib
turned = nib.as_closest_canonical(nib.load(sys.argv[1]))
# As FSL does, handedness stays as it was.
if nib.affines.np.linalg.det(nib.load(sys.argv[1]).affine) < 0:
    turned = turned.slicer[::-1]
nib.save(turned, sys.argv[2])
"""

# Registration is replaced by a shift of the centre of gravity, in FSL's own coordinates.
FLIRT = """
import nibabel as nib, numpy as np
from scipy import ndimage
given = dict(zip(sys.argv[1:], sys.argv[2:]))
moving, reference = nib.load(given["-in"]), nib.load(given["-ref"])
def scaled(image):
    sizes = image.header.get_zooms()[:3]
    result = np.diag([*sizes, 1.0]).astype(float)
    if np.linalg.det(image.affine) > 0:
        result[0] = [-sizes[0], 0, 0, sizes[0] * (image.shape[0] - 1)]
    return result
def centre(image):
    return scaled(image) @ [*ndimage.center_of_mass(np.asarray(image.dataobj)), 1]
if "-applyxfm" in sys.argv:
    matrix = np.loadtxt(given["-init"])
    order = {"nearestneighbour": 0, "trilinear": 1, "spline": 3}[given["-interp"]]
else:
    assert given["-cost"] in ("normmi", "corratio") and given["-dof"] in ("6", "12")
    matrix, order = np.eye(4), 1
    matrix[:3, 3] = (centre(reference) - centre(moving))[:3]
step = np.linalg.inv(matrix @ scaled(moving)) @ scaled(reference)
moved = ndimage.affine_transform(moving.get_fdata(), step[:3, :3], step[:3, 3], reference.shape, order=order)
nib.save(nib.Nifti1Image(moved.astype(np.float32), reference.affine), given["-out"])
np.savetxt(given["-omat"], matrix, fmt="%.10g", delimiter="  ")
"""

DTIFIT = """
import nibabel as nib, numpy as np
given = dict(zip(sys.argv[1:], sys.argv[2:]))
signal, mask = nib.load(given["-k"]).get_fdata(), nib.load(given["-m"]).get_fdata() > 0
b, g = np.loadtxt(given["-b"]), np.loadtxt(given["-r"])
assert "--save_tensor" in sys.argv and g.shape == (3, len(b)) and signal.shape[3] == len(b)
x, y, z = g
design = np.stack([x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z], 1) * -b[:, None]
fit = np.linalg.lstsq(np.c_[design, np.ones(len(b))], np.log(signal[mask]).T, rcond=None)[0].T
maps = {"tensor": np.zeros((*mask.shape, 6)), "S0": np.zeros(mask.shape)}
maps["tensor"][mask], maps["S0"][mask] = fit[:, :6], np.exp(fit[:, 6])
maps |= {name: maps["S0"] for name in ("V1", "V2", "V3", "L1", "L2", "L3", "MD", "FA", "MO")}
for name, content in maps.items():
    nib.save(nib.Nifti1Image(content.astype(np.float32), np.eye(4)), given["-o"] + f"_{name}.nii.gz")
"""

EDDY = """
import nibabel as nib, numpy as np
given = dict(argument[2:].partition("=")[::2] for argument in sys.argv[1:])
series = nib.load(given["imain"])
count = series.shape[3]
assert len(Path(given["index"]).read_text().split()) == count
print("acquisition:", Path(given["acqp"]).read_text().strip())
assert nib.load(given["mask"]).shape == series.shape[:3]
base = given["out"].strip("'")
nib.save(nib.Nifti1Image(series.get_fdata(dtype=np.float32) - 1, series.affine), base + ".nii.gz")
np.savetxt(base + ".eddy_rotated_bvecs", np.loadtxt(given["bvecs"])[[1, 0, 2]])
np.savetxt(base + ".eddy_movement_rms", np.c_[np.arange(count), np.ones(count)])
Path(base + ".eddy_parameters").write_text("0")
"""

FSL = {
    "bet": BET,
    "fast": FAST,
    "fslreorient2std": REORIENT,
    "flirt": FLIRT,
    "dtifit": DTIFIT,
    "eddy": EDDY,
}


def install(folder: Path, name: str, body: str) -> None:
    """Put a program on a folder of the PATH that keeps its command line and then does what the body says."""
    path = folder / name
    log = json.dumps(str(folder / "calls.txt"))
    path.write_text(
        f"#!{sys.executable}\nimport os, sys\nfrom pathlib import Path\nwith open({log}, 'a') as calls:\n"
        f"    print(Path(sys.argv[0]).name, *sys.argv[1:], file=calls)\n{body}"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def install_fsl(folder: Path, version: str = "6.0.7.7", **changed: str) -> Path:
    """A folder of FSL with all programs; returns its bin."""
    (folder / "etc").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "etc/fslversion").write_text(f"{version}\n")
    for name, body in (FSL | {"bc": ""} | changed).items():
        install(folder / "bin", name, body)
    # What fslreorient2std compares images with.
    (folder / "data/standard").mkdir(parents=True)
    (folder / "data/standard/MNI152_T1_2mm_brain.nii.gz").write_bytes(b"any")
    return folder / "bin"


def install_ants(folder: Path) -> Path:
    """A folder with the programs of ANTs."""
    folder.mkdir(parents=True)
    for name in ("antsRegistration", "antsApplyTransforms", "Atropos", "N4BiasFieldCorrection"):
        install(folder, name, ANTS)
    install(folder, "antsBrainExtraction.sh", BRAIN_EXTRACTION)
    return folder


def calls(folder: Path) -> list[str]:
    """The command lines so far, with the temporary folder left out; not those that ask for a version."""
    lines = (folder / "calls.txt").read_text().splitlines()
    kept = [line for line in lines if not line.endswith("--version")]
    return [re.sub(r"/(?:[^/\s]+/)+", "", " ".join(line.split())) for line in kept]
