"""Data flows one way: a stage imports from shared rooms, never from another stage; heavy libraries load late."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import recontrast
from recontrast.launch import RULES
from recontrast.stages import STEPS, TEMPLATES

PACKAGE = Path(recontrast.__file__).parent
CHECKOUT = PACKAGE.parents[1]
SHARED = {
    "backends", "columns", "errors", "fingerprint", "images", "inheritance", "layout", "lesion_words", "masks",
    "measures", "methods", "models", "participants", "processes", "relaxation", "signals", "tables", "trainer",
    "without_pydicom", "",
}  # fmt: skip


def rooms_imported(file: Path) -> set[str]:
    """The top-level rooms of the package that a module imports."""
    depth = len(file.relative_to(PACKAGE).parts)
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            found |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("recontrast."):
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("stage", [*STEPS, "models", "trainer", "methods", "backends"])
def test_a_stage_imports_only_shared_rooms(stage: str) -> None:
    for file in (PACKAGE / stage).rglob("*.py"):
        allowed = (
            SHARED | {stage} | ({"cohort"} if stage == "conversion" else set())
        )  # the index of raw images
        assert rooms_imported(file) <= allowed, file


def test_every_step_has_a_rule_and_a_function_of_its_name() -> None:
    for stage, steps in STEPS.items():
        rules = "".join(path.read_text() for path in (CHECKOUT / "rules").glob(f"{stage}*.smk"))
        for step in steps:
            assert f"rule {step}:" in rules
            assert f"recontrast step --log {{log}} {stage} {step} " in rules
            assert f"def {step}(" in (PACKAGE / stage / f"{step}.py").read_text()


def test_every_rule_has_its_place_in_the_order_of_waves() -> None:
    rules = [
        r
        for file in (CHECKOUT / "rules").glob("*.smk")
        for r in re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)", file.read_text(), re.M)
    ]
    assert sorted(rules) == sorted(RULES)


@pytest.mark.parametrize("module", ["cli", "plan", "graph", "launch", "anatomy.resample", "evaluation.score"])
def test_torch_and_ants_load_only_where_they_are_used(module: str) -> None:
    code = f"import sys, recontrast.{module}; sys.exit(bool({{'torch', 'ants', 'itk'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_antspyx_loads_without_the_parts_that_are_not_used() -> None:
    code = (
        "import sys; from recontrast.backends.embedded.antspy import library\n"
        "with library() as ants: ants.registration; ants.n4_bias_field_correction; ants.atropos\n"
        "sys.exit(bool({'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    "loading",
    [
        "from recontrast.steps import command; command('anatomy', 'resample')",
        "import recontrast.freeze, recontrast.run",
        "import recontrast.launch",
    ],
)
def test_nibabel_loads_without_pydicom(loading: str) -> None:
    code = (
        f"import sys; {loading}\n"
        "left_out = 'pydicom' not in sys.modules and 'nibabel' in sys.modules\n"
        "import pydicom, nibabel.nicom.dicomwrappers\n"
        "sys.exit(not (left_out and pydicom.dcmread and nibabel.nicom.dicomwrappers.Wrapper))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_door_and_the_rules_stay_short() -> None:
    assert len((CHECKOUT / "Snakefile").read_text().splitlines()) < 100
    assert all(path.stat().st_size < 8192 for path in (CHECKOUT / "rules").glob("*.smk"))


def test_every_file_that_shapes_a_page_or_is_supplied_with_a_step_counts_as_its_code() -> None:
    package = Path(recontrast.__file__).parent
    counted = {package / name for names in TEMPLATES.values() for name in names}
    assert all(path.is_file() for path in counted)
    assert {*(package / "report/templates").iterdir(), *(package / "lesions").glob("default*.*z")} <= counted
    assert package / "lesions/default_lpa.json" in counted
