"""What earlier plans have left: converted images that no series becomes any more, results of people who have gone."""

import json
from pathlib import Path

from . import images, layout
from .graph import Graph


def clear(graph: Graph) -> None:
    """Delete the converted images, and the lists they were made by, that the plan frozen before had and this has not.

    A series that was renamed or edited, or whose person got another label, would otherwise lie in the raw data set
    twice. Only files that a plan of ours has on record go, never those of a series that merely cannot be converted
    as it is now; and none where the study has no DICOM, as it may be the raw data set that it works on.
    """
    folder = graph.study.output
    try:
        before = json.loads((folder / layout.GRAPH).read_text(encoding="utf-8"))["jobs"]
    except (OSError, ValueError, KeyError):
        return
    lists = {str(job.list) for job in graph.jobs.values()}
    expected = {str(path) for path in graph.plan.manifest.expected}
    for path, job in before.items() if graph.jobs else ():
        if job["list"] not in lists:
            Path(job["list"]).unlink(missing_ok=True)
        if path in expected:
            continue
        image = folder / path
        gone = [image, images.sidecar(image), *(_beside(image, ending) for ending in ("bval", "bvec"))]
        for file in gone if Path(path).is_relative_to(layout.RAW_DATASET) else ():
            file.unlink(missing_ok=True)
        _drop_empty(image.parent, folder / layout.RAW_DATASET)


def left_behind(graph: Graph) -> list[str]:
    """Folders of results of people, or of visits, that are no longer in the cohort; they are for the user to delete."""
    people = {session.folder.partition("/")[0] for session in graph.plan.manifest.cohort}
    visits = {session.folder for session in graph.plan.manifest.cohort}
    found = []
    for place in sorted(p for p in graph.study.output.glob("sub-*") if p.is_dir()):
        if place.name not in people:
            found.append(place.name)
        else:
            own = sorted(p.name for p in place.glob("ses-*") if p.is_dir())
            found += [f"{place.name}/{name}" for name in own if f"{place.name}/{name}" not in visits]
    return found


def _beside(image: Path, ending: str) -> Path:
    return image.with_name(f"{image.name.removesuffix('.nii.gz')}.{ending}")


def _drop_empty(place: Path, last: Path) -> None:
    """Remove folders that hold nothing any more, upwards."""
    while place != last and place.is_dir() and not any(place.iterdir()):
        place.rmdir()
        place = place.parent
