"""Lists as options of a command line."""

import shlex


def options(**given: list[str]) -> str:
    """Command-line options for the lists that are not empty: `--moving-mask a.nii.gz --notes 'no FLAIR'`."""
    return " ".join(
        f"--{name.replace('_', '-')} {shlex.join([values] if isinstance(values, str) else map(str, values))}"
        for name, values in given.items()
        if values
    )
