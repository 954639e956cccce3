"""Train one model on one fold."""

import hashlib
import importlib.metadata
import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import nibabel as nib
import numpy as np
from safetensors.numpy import save_file

from .. import images, methods, tables
from ..columns import EPOCH, TRAINING_LOSS, VALIDATION_LOSS
from ..errors import RecontrastError
from ..fingerprint import fingerprint
from ..layout import Session
from ..models import pseudonyms as names
from ..models.interface import Cohort, Model, Run, Volumes, method_module
from ..models.packed import map_session
from ..models.volumes import read_volumes

ROLES = ("training", "validation", "test")
MISSING = ("", "n/a")
STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")  # of batch norms: counted, not trained
LIBRARIES = ("recontrast", "numpy", "scikit-learn", "torch")  # whose versions are noted


def train(
    *,
    method: str,
    recipe: str,
    sessions: Path,
    inputs: list[str],
    target: str,
    model: Path,
    card: Path,
    losses: Path,
    checkpoint: Path,
    preparation: Path | None = None,
    pseudonyms: Path | None = None,
    emphasis: float = 1.0,
    packed: Path | None = None,
    seed: int = 1,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Train a model that synthesises one contrast from others, on the sessions of a list.

    An interrupted training continues from its last checkpoint when it is restarted with the same data, recipe and
    seed; on a CPU, it ends in the same model as an uninterrupted one.

    Args:
        method: name of a method, for example fcn3d.
        recipe: its resolved recipe, as JSON.
        sessions: TSV with the columns participant_id, session_id, role (training, validation or test), mask,
            and one column of image paths per contrast. Test sessions are used only by recipes with leaks.
        inputs: input contrasts.
        target: contrast to synthesise.
        model: safetensors file of weights to write.
        card: JSON file to write, with everything needed to use the model elsewhere.
        losses: TSV file to write: the losses by epoch.
        checkpoint: folder for the state of an unfinished training, deleted at the end.
        preparation: JSON file that describes how the images were prepared and which inputs are maps (`kinds`); copied
            into the card for users of the model.
        pseudonyms: text file with the key used to hash the participants and sessions named in the card; None: the
            card does not name them.
        emphasis: weight of the voxels of a mask in the loss, relative to the others; the list has the mask in a
            further column, emphasised (n/a: none).
        packed: folder in which trainings share the sessions as arrays, which then need not fit into memory; can
            be deleted. None: sessions are read into memory.
        seed: random seed.
        threads: CPU threads.
        device: auto uses the GPU if there is one.
    """
    settings = json.loads(recipe)
    entries = read_list(sessions, inputs, target)
    if not any(entry.role == "training" for entry in entries):
        raise RecontrastError("lists no training session", file=sessions, remedy="change the study's splits")
    if not settings.get("leaks", False):
        entries = [entry for entry in entries if entry.role != "test"]
    facts = {
        "method": method,
        "recipe": settings,
        "inputs": inputs,
        "target": target,
        "seed": seed,
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "fingerprint": code_of(method),
        "sessions": [entry.card(names.read(pseudonyms) if pseudonyms else "") for entry in entries],
    } | ({"emphasis": emphasis} if emphasis != 1 else {})
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    run = Run(seed=seed, threads=threads, device=device, checkpoint=checkpoint, key=key)
    module = method_module(method)
    margin = module.margin(settings)
    cohort = Cohort(**{role: read_role(entries, role, margin, emphasis, packed) for role in ROLES})
    print(f"{method}: {' '.join(inputs)} -> {target}; {len(cohort.training)} training and ", end="")
    print(f"{len(cohort.validation)} validation sessions", flush=True)
    fitted = module.fit(cohort, settings, run)
    _write_losses(losses, fitted)
    with images.replacing(model) as unfinished:
        save_file({name: np.ascontiguousarray(array) for name, array in fitted.weights.items()}, unfinished)
    facts |= {
        "preparation": _preparation(preparation, inputs),
        "grid": _grid([entry for entry in entries if entry.role == "training"]),
        "constants": fitted.constants,
        "voxel_sizes": sorted({session.spacing for session in cohort.training}),
        "best_epoch": fitted.best_epoch,
        "parameters": sum(a.size for name, a in fitted.weights.items() if not name.endswith(STATISTICS)),
        "model_sha256": _sha256(model),
    }
    images.write_json(card, facts)
    run.forget()


@dataclass(frozen=True)
class Entry:
    """One row of the list of sessions: label, role, and its files."""

    label: str
    role: str
    mask: Path
    inputs: dict[str, Path]
    target: dict[str, Path]  # empty where it was not acquired
    emphasised: dict[str, Path]  # a mask, or empty

    def card(self, key: str) -> dict[str, object]:
        """What a model card says of the session: no paths, as those differ between machines, and no labels."""
        known = {"session": self.label, "participant": self.label.partition("_")[0]} if key else {}
        said = {kind: names.pseudonym(key, label) for kind, label in known.items()}
        return said | {"role": self.role, "sha256": self._hashes()}

    def digest(self, emphasis: float) -> str:
        """Changes with anything that is read for the session."""
        read = {"session": self.label, "sha256": self._hashes(), "emphasis": emphasis}
        return hashlib.sha256(json.dumps(read).encode()).hexdigest()[:16]

    def _hashes(self) -> dict[str, str]:
        files = {"mask": self.mask} | self.inputs | self.target | self.emphasised
        return {name: _sha256(path) for name, path in files.items()}


def code_of(method: str) -> str:
    """The fingerprint of training a method as the code stands, noted in the card so that age can be told."""
    return fingerprint(__name__, f"{methods.__name__}.{method}")


def read_list(path: Path, inputs: list[str], target: str) -> list[Entry]:
    """Read the list of sessions.

    Raises:
        RecontrastError: a column is missing, a role unknown, or a session lacks a contrast it must have.
    """
    entries = []
    for row in tables.read(path, ["participant_id", "session_id", "role", "mask", *inputs, target]):
        names = {key: "" if row[key] in MISSING else row[key] for key in ("participant_id", "session_id")}
        participant = names["participant_id"].removeprefix("sub-")
        label = Session(participant, names["session_id"].removeprefix("ses-")).label
        if row["role"] not in ROLES:
            raise RecontrastError(
                f"{label} has the role {row['role']!r}", file=path, remedy=f"use one of {ROLES}"
            )
        has_target = row[target] not in MISSING
        lacking = [name for name in ("mask", *inputs) if row[name] in MISSING]
        if lacking or not (has_target or row["role"] == "test"):
            raise RecontrastError(
                f"{label} ({row['role']}) lacks {', '.join(lacking or [target])}",
                file=path,
                remedy="leave the session out of this list",
            )
        files = {name: Path(row[name]) for name in inputs}
        entries.append(
            Entry(
                label,
                row["role"],
                Path(row["mask"]),
                files,
                {target: Path(row[target])} if has_target else {},
                {} if row.get("emphasised", "") in MISSING else {"emphasised": Path(row["emphasised"])},
            )
        )
    return entries


def read_role(
    entries: list[Entry], role: str, margin: int | None, emphasis: float = 1.0, packed: Path | None = None
) -> list[Volumes]:
    """The images of all sessions with one role, cropped to what a method looks at; mapped if they are packed."""

    def volumes(entry: Entry, margin: int | None) -> Volumes:
        return read_volumes(
            entry.label,
            list(entry.inputs.values()),
            next(iter(entry.target.values()), None),
            entry.mask,
            margin,
            (entry.emphasised["emphasised"], emphasis) if entry.emphasised else None,
        )[0]

    chosen = [entry for entry in entries if entry.role == role]
    if packed is None:
        return [volumes(entry, margin) for entry in chosen]
    return [map_session(packed, entry.digest(emphasis), margin, partial(volumes, entry)) for entry in chosen]


def _preparation(path: Path | None, inputs: list[str]) -> dict[str, object]:
    """How the images were prepared, as far as that is known."""
    if path is None:
        return {}
    stated = json.loads(path.read_text(encoding="utf-8"))
    return stated | {"kinds": {name: stated.get("kinds", {}).get(name, "image") for name in inputs}}


def _grid(entries: list[Entry]) -> dict[str, object]:
    """The grid of a typical session: the median of shapes, and where its axes point (RAS: right, front, up)."""
    headers = [images.read_header(entry.mask) for entry in entries]
    ways = Counter("".join(nib.aff2axcodes(header.affine)) for header in headers)
    if len(ways) > 1:
        told = ", ".join(f"{way} ({count})" for way, count in ways.most_common())
        print(
            f"training images differ in axis orientation: {told}; methods that work on slices will mix planes"
        )
    shape = np.median([header.shape[:3] for header in headers], axis=0)
    return {"shape": shape.round().astype(int).tolist(), "orientation": ways.most_common(1)[0][0]}


def _write_losses(path: Path, model: Model) -> None:
    """The loss table; methods without epochs leave its header alone."""
    # The last epoch has all columns: adversarial methods may begin with fewer turns.
    columns = list(model.losses[-1]) if model.losses else ["epoch", "training", "validation"]
    rows = (
        {name: tables.MISSING if row.get(name) is None else row[name] for name in columns}
        for row in model.losses
    )
    known = {"epoch": EPOCH, "training": TRAINING_LOSS, "validation": VALIDATION_LOSS}
    turn = "Mean loss of the {}, which is trained in alternation with others; n/a before its first update"
    tables.write_described(path, {n: known.get(n, {"Description": turn.format(n)}) for n in columns}, rows)


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise RecontrastError("does not exist", file=path, remedy="check the path")
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
