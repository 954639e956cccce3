"""nibabel without pydicom, which it loads for one kind of header extension: half of its time, in every process.

What reads DICOM loads pydicom itself, as it would have done. Whoever has either of them already keeps it as it is.
"""

import sys

if {"nibabel", "pydicom"} & set(sys.modules):
    import nibabel
else:
    sys.modules["pydicom"] = None
    try:
        import nibabel  # noqa: F401
    finally:
        del sys.modules["pydicom"]
