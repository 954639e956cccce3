"""Fingerprints: what changes them and what does not, on a copy of the package."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import recontrast.fingerprint

SOURCE = Path(recontrast.__file__).parent


class Copy:
    """A copy of the package whose files a test edits."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "recontrast"
        shutil.copytree(SOURCE, self.package, ignore=shutil.ignore_patterns("__pycache__"))

    def fingerprints(self, *modules: str) -> list[str]:
        """Of each module, taken in a process of its own."""
        code = (
            "import json, sys; from recontrast.fingerprint import fingerprint;"
            "print(json.dumps([fingerprint(m) for m in sys.argv[1:]]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *modules],
            cwd=self.package.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def append(self, file: str, text: str) -> None:
        path = self.package / file
        path.write_text(path.read_text() + text)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


STEPS = ("recontrast.anatomy.resample", "recontrast.evaluation.score")


def test_comments_and_docstrings_do_not_count(copy: Copy) -> None:
    before = copy.fingerprints(*STEPS)
    copy.append("anatomy/resample.py", "\n# a comment\n")
    score = copy.package / "evaluation/score.py"
    score.write_text('"""Another docstring."""\n' + score.read_text().partition("\n")[2])
    assert copy.fingerprints(*STEPS) == before


def test_code_counts_where_it_is_imported(copy: Copy) -> None:
    resample, score = copy.fingerprints(*STEPS)
    copy.append("evaluation/metrics.py", "\nX = 1\n")
    assert copy.fingerprints(*STEPS)[0] == resample
    assert copy.fingerprints(*STEPS)[1] != score
    copy.append("images.py", "\nX = 1\n")
    assert copy.fingerprints(*STEPS)[0] != resample


@pytest.mark.parametrize("file", ["cli.py", "plan.py", "config.py", "graph/__init__.py", "methods/fcn3d.py"])
def test_steps_do_not_reach_the_whole(copy: Copy, file: str) -> None:
    steps = (
        *STEPS,
        "recontrast.training.train",
        "recontrast.synthesis.synthesize",
        "recontrast.report.index",
    )
    before = copy.fingerprints(*steps)
    copy.append(file, "\nX = 1\n")
    assert copy.fingerprints(*steps) == before


def test_imports_inside_functions_and_tool_versions_count(copy: Copy) -> None:
    (copy.package / "inner.py").write_text("X = 1\n")
    (copy.package / "outer.py").write_text("def f():\n    from .inner import X\n    return X\n")
    before = copy.fingerprints("recontrast.outer")
    (copy.package / "inner.py").write_text("X = 2\n")
    assert copy.fingerprints("recontrast.outer") != before
    one, two = (recontrast.fingerprint.fingerprint("recontrast.layout", versions={"tool": v}) for v in "12")
    assert one != two
