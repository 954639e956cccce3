"""A backend is found without loading more than the operation asked for."""

import subprocess
import sys

import pytest
from recontrast.backends.protocol import OPERATIONS, load, module_of, versions
from recontrast.errors import RecontrastError


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_there(operation):
    assert load("embedded", operation).__module__ == module_of("embedded", operation)
    found = versions("embedded", operation)
    assert found
    assert all(version[0].isdigit() for version in found.values())


def test_an_unknown_backend_is_named_with_the_choices():
    with pytest.raises(RecontrastError, match=r"spm.*embedded"):
        load("spm", "register")


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = (
        "import sys\n"
        "from recontrast.backends.protocol import OPERATIONS, load, versions\n"
        "for name in OPERATIONS: load('embedded', name), versions('embedded', name)\n"
        "print([name for name in ('ants', 'itk', 'torch', 'skimage', 'numba') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
