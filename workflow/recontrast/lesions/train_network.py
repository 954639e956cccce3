"""A network for lesions, from manual masks."""

import dataclasses
import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors.numpy import save

from .. import columns, tables
from .. import images as files
from ..models.interface import Run
from . import inputs, network

COLUMNS = ("participant_id", "session_id", "mask", "manual")
LOSSES = {
    "epoch": columns.EPOCH,
    "training": {"Description": "Mean loss, Dice plus cross entropy, over the cubes of this epoch"},
    "validation": {"Description": "Always n/a: the last epoch is kept"},
}


def train_network(
    *,
    sessions: Path,
    images: list[str],
    settings: str,
    model: Path,
    card: Path,
    losses: Path,
    checkpoint: Path,
    seed: int = 1,
    threads: int = 1,
    device: Literal["auto", "cpu", "cuda"] = "auto",
) -> None:
    """Train a small 3D network to segment lesions, on manual masks.

    It is trained on the participants in the list only: leave out those who will be scored. An interrupted training
    continues from its last checkpoint when it is restarted with the same images and settings.

    Args:
        sessions: TSV with the columns participant_id, session_id, mask (brain), manual (lesions), and one of image
            paths for each of `images`.
        images: inputs of the network: flair, or flair and t1w; FLAIR first.
        settings: of the network and its training, as JSON: filters, edge, epochs, cubes, batch, learning_rate.
        model: safetensors file of weights to write.
        card: JSON file to write: what it was trained on, and how.
        losses: TSV file to write: the loss by epoch.
        checkpoint: folder for the state of an unfinished training, deleted at the end.
        seed: random seed.
        threads: CPU threads.
        device: auto uses the GPU if there is one.

    Raises:
        RecontrastError: no session in the list, no lesion in any mask, or no session that can be used; one that
            cannot is left out.
    """
    chosen = network.Settings(**json.loads(settings))
    listed = tables.read(sessions, (*COLUMNS, *images))
    rows = inputs.usable(listed, lambda row: read_session(row, images))
    examples = [network.example(*read_session(row, images)) for row in rows]
    if not any(one.lesions.any() for one in examples):
        raise inputs.nothing_to_learn(sessions, rows)
    facts = {
        "images": images,
        "settings": dataclasses.asdict(chosen),
        "seed": seed,
        "versions": {name: importlib.metadata.version(name) for name in ("recontrast", "torch", "monai")},
        "sessions": [
            {
                "participant": row["participant_id"],
                "session": row["session_id"],
                "lesion_voxels": int(one.lesions.sum()),
                "sha256": _digest(one.images, one.lesions),
            }
            for row, one in zip(rows, examples, strict=True)
        ],
    }
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    print(f"{' '.join(images)}: {len(examples)} sessions", flush=True)
    run = Run(seed=seed, threads=threads, device=device, checkpoint=checkpoint, key=key)
    outcome = network.fit(examples, chosen, run)
    content = save({name: np.ascontiguousarray(array) for name, array in outcome.weights.items()})
    with files.replacing(model) as partial:
        partial.write_bytes(content)
    tables.write_described(losses, LOSSES, _rows(outcome.losses))
    made = {"constants": {}, "model_sha256": hashlib.sha256(content).hexdigest()}
    files.write_json(card, facts | made)
    run.forget()


def _rows(losses: Sequence[dict]) -> list[dict]:
    return [
        {name: tables.MISSING if row.get(name) is None else row[name] for name in LOSSES} for row in losses
    ]


def read_session(row: tables.Row, names: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images (contrasts, x, y, z), brain mask and manual lesions (x, y, z) of a row of the list."""
    first, brain = inputs.read_flair(Path(row[names[0]]), Path(row["mask"]))
    seen = inputs.read_together(first, [Path(row[name]) for name in names[1:]], brain)
    return seen, brain, inputs.read_lesions(Path(row["manual"]), brain, first)


def _digest(*arrays: np.ndarray) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()
