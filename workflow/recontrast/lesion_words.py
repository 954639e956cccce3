"""What readers are told of where a lesion mask is from; in file names and tables a given one is called `manual`."""

SOURCES = {"manual": "given mask"}


def source(name: str) -> str:
    """Where lesions are from, as pages say it: a given mask, which may be anybody's or any tool's, else the name."""
    return SOURCES.get(name, name)


def given(name: str | None, mask: dict | None) -> str:
    """`manual masks` where a name of theirs, in the study or in BIDS, says so; else `given masks`.

    Args:
        name: of the mask in the study.
        mask: how the study finds its files: `label`, `description` and others, as `contrasts.Mask` dumps it.
    """
    said = (name, *((mask or {}).get(key) for key in ("label", "description")))
    return "manual masks" if any("manual" in (word or "").lower() for word in said) else "given masks"
