"""Private elements of vendors: read in every encoding, wherever the vendor has put them."""

import io

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from recontrast.conversion import headers
from scanner import scan

B = {
    "Siemens": (0x0019, 0x0C, "SIEMENS MR HEADER", "IS", "1000"),
    "Philips": (0x2001, 0x03, "Philips Imaging DD 001", "FL", 1000.0),
    "GE": (0x0043, 0x39, "GEMS_PARM_01", "IS", ["1000001000", "8", "0", "0"]),
    "UIH": (0x0065, 0x09, "Image Private Header", "FD", 1000.0),
}
SLICES = (0x2001, 0x18, "Philips Imaging DD 001", "SL", 7)


@pytest.fixture
def file(tmp_path):
    """One slice of a scanner, to which private elements may be added."""
    scan(tmp_path / "in")
    return pydicom.dcmread(tmp_path / "in/IM00001")


def parsed(data: pydicom.Dataset, syntax: str) -> headers.Header:
    """The header of a file as it is written in a transfer syntax."""
    data.file_meta.TransferSyntaxUID, stream = syntax, io.BytesIO()
    how = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": syntax != ExplicitVRBigEndian}
    data["PixelData"].VR = "OW"
    pydicom.dcmwrite(stream, data, force_encoding=True, **how)
    return headers.parse(stream.getvalue())


def add(data: pydicom.Dataset, element: tuple, before: int = 0) -> int:
    """Put a private element into the first free block after some others'; the tag that it gets."""
    group, offset, creator, vr, value = element
    for number in range(before):
        data.private_block(group, f"SOMEBODY {number}", create=True).add_new(1, "LO", "x")
    data.private_block(group, creator, create=True).add_new(offset, vr, value)
    return (group << 16) + ((0x10 + before) << 8) + offset


@pytest.mark.parametrize("before", [0, 3], ids=["first block", "fourth block"])
@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian],
    ids=["implicit", "explicit", "big-endian"],
)
@pytest.mark.parametrize("vendor", B)
def test_b_values(file, vendor, syntax, before):
    add(file, B[vendor], before)
    assert parsed(file, syntax).frames[0].b == 1000


@pytest.mark.parametrize("is_known", [True, False], ids=["as GE writes it", "rewritten as unknown"])
@pytest.mark.parametrize(("number", "part"), [*enumerate(["mag", "phase", "real", "imag"])])
def test_the_part_that_a_picture_of_ge_shows(file, is_known, number, part):
    tag = add(file, (0x0043, 0x2F, "GEMS_PARM_01", "SS", number))
    if not is_known:
        file[tag] = pydicom.DataElement(tag, "UN", number.to_bytes(2, "little"))
        del file[0x00430010]  # of the vendor's name
    assert parsed(file, ExplicitVRLittleEndian).frames[0].part == part


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_the_number_of_slices_that_philips_announces(file, syntax):
    add(file, SLICES)
    assert parsed(file, syntax).slices == 7


@pytest.mark.parametrize("vendor", B)
def test_elements_that_an_archive_rewrote_as_unknown(file, vendor):
    tag = add(file, B[vendor])
    file.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, file, implicit_vr=True, little_endian=True, force_encoding=True)
    raw = pydicom.dcmread(io.BytesIO(stream.getvalue()), force=True).get_item(tag).value
    file[tag] = pydicom.DataElement(tag, "UN", raw)
    assert parsed(file, ExplicitVRLittleEndian).frames[0].b == 1000


def test_another_vendors_element_of_that_number_is_no_b_value(file):
    add(file, (0x0019, 0x0C, "SOMEBODY ELSE", "IS", "3"))
    assert parsed(file, ExplicitVRLittleEndian).frames[0].b is None
