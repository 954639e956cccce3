"""The coefficients that ship, on a head that they never saw."""

import numpy as np
from recontrast import images
from recontrast.lesions import coefficients, features, lpa
from recontrast.lesions.template_space import Way
from recontrast.masks import dice
from small_heads import array, head


def test_default_coefficients_find_bright_lesions(tmp_path):
    one = head(tmp_path, 9)
    model = coefficients.read(None, None)
    assert len(model.provenance["places"]) == 29
    image = images.read(one["flair"])
    found = features.prepare(image, array(one["mask"]) > 0, Way(np.eye(4)))
    lesions = lpa.predict(found, model, image.shape) >= 0.5
    assert dice(lesions, array(one["manual"]) > 0) > 0.5
