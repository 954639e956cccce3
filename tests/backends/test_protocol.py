"""Every backend that is found gives the known answers; nothing is loaded before it is needed."""

import shutil
import subprocess
import sys

import pytest
import yaml
from known_answers import CHECKS
from recontrast.backends.protocol import BACKENDS, OPERATIONS, load, module_of, resolve, versions
from recontrast.errors import RecontrastError
from recontrast.places import ROOT

# Of the embedded backend these take long and have tests of their own beside the steps that run them.
LONG = ("correct_bias", "extract_brain", "register", "warp_template")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_there(operation):
    assert load("embedded", operation).__module__ == module_of("embedded", operation)
    found = versions("embedded", operation)
    assert found
    assert all(version[0].isdigit() for version in found.values())


@pytest.mark.parametrize(
    ("backend", "operation"),
    [
        pytest.param(
            backend, operation, marks=pytest.mark.full if backend == "embedded" and operation in LONG else ()
        )
        for backend in BACKENDS
        for operation in CHECKS
    ],
)
def test_known_answers(backend, operation):
    try:
        versions(backend, operation)
    except RecontrastError as error:
        pytest.skip(f"{backend} {operation}: {error}")
    CHECKS[operation](backend)


def test_an_unknown_backend_is_named_with_the_choices():
    with pytest.raises(RecontrastError, match=r"spm.*embedded"):
        load("spm", "register")


def test_what_a_backend_lacks_is_named_with_those_that_have_it():
    with pytest.raises(RecontrastError, match=r"ants has no fit_tensor; choose from embedded, fsl"):
        load("ants", "fit_tensor")


def test_the_first_backend_that_can_is_taken(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    assert resolve(("ants", "fsl", "embedded"), "register") == "embedded"
    with pytest.raises(RecontrastError, match=r"register here: ants: antsRegistration.*fsl: flirt"):
        resolve(("ants", "fsl"), "register")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_conda_file_holds_programs_and_leaves_the_package_where_it_is(backend):
    file = yaml.safe_load((ROOT / f"envs/{backend}.yaml").read_text())
    packages = {str(package).split()[0] for package in file["dependencies"]}
    assert packages
    assert not packages & {"python", "pip", "recontrast"}
    assert all(isinstance(package, str) for package in file["dependencies"])


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys\n"
        "from recontrast.backends.protocol import BACKENDS, OPERATIONS, load, resolve\n"
        "for name in OPERATIONS: load('embedded', name), resolve(BACKENDS, name)\n"
        "for name in OPERATIONS:\n    if name != 'warp_template': load('fsl', name)\n"
        "load('ants', 'register')\n"
        "heavy = ('ants', 'itk', 'torch', 'skimage', 'numba', 'nipype', 'dipy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
