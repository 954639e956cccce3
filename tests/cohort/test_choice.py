"""Which images of a session are taken together."""

from recontrast.cohort.choice import choose_group
from recontrast.config import Contrast


def test_a_session_without_the_scan_lacks_no_single_image_of_it() -> None:
    assert choose_group("MESE", Contrast(suffix="MESE"), [], "relaxometry.images") == []
