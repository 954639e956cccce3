"""Which images of a session are taken together."""

from pathlib import Path

from recontrast.cohort.bids import RawImage
from recontrast.cohort.choice import choose_group
from recontrast.config import Contrast


def test_a_session_without_the_scan_lacks_no_single_image_of_it() -> None:
    assert choose_group("MESE", Contrast(suffix="MESE"), [], "relaxometry.images") == []


def test_phase_images_beside_magnitude_are_left_and_echoes_come_by_number() -> None:
    entities = [
        {"acq": f"delay{delay}", "echo": str(echo)} | ({"part": part} if part else {})
        for delay in (10, 2)
        for echo in (10, 1, 2)
        for part in ("", "phase")
    ]
    names = ["_".join(f"{k}-{v}" for k, v in e.items()) for e in entities]
    images = [
        RawImage("1", "", "MESE", e, Path(f"{n}_MESE.nii.gz"), 0, 0, 0)
        for e, n in zip(entities, names, strict=True)
    ]
    found = choose_group("MESE", Contrast(suffix="MESE"), images, "relaxometry.images")
    assert [i.path.name.removesuffix("_MESE.nii.gz") for i in found] == [
        f"acq-delay{delay}_echo-{echo}" for delay in (2, 10) for echo in (1, 2, 10)
    ]
