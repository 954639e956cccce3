"""nibabel without pydicom, which it loads for one kind of header extension: half of its time, in every job.

What reads DICOM loads pydicom itself, as it would have done. Whoever has either of them already keeps it as it is.
"""

import importlib
import sys

if not {"nibabel", "pydicom"} & set(sys.modules):
    sys.modules["pydicom"] = None
    try:
        importlib.import_module("nibabel")
    finally:
        del sys.modules["pydicom"]
