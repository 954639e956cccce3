"""The state of an unfinished training, in one safetensors file that is replaced in one step."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .. import images

Tensors = dict[str, torch.Tensor]


def save(
    path: Path,
    key: str,
    network: torch.nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    best: Tensors,
    progress: dict,
) -> None:
    """Write everything that the next batch or epoch depends on.

    Args:
        path: the file.
        key: digest of data and recipe.
        network: all that is learned.
        optimizers: by turn.
        best: the weights of the best epoch so far.
        progress: plain facts (losses, place within the epoch); any JSON.
    """
    tensors = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    plain, groups = [], {}
    for turn, optimizer in optimizers.items():
        state = optimizer.state_dict()
        groups[turn] = state["param_groups"]
        for parameter, slots in state["state"].items():
            for slot, value in slots.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer/{turn}/{parameter}/{slot}"] = value
                else:
                    plain.append([turn, parameter, slot, value])
    facts = {"key": key, "progress": progress, "groups": groups, "plain": plain}
    # Copies, as the format refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with images.replacing(path) as partial:
        save_file(tensors, partial, metadata={"facts": json.dumps(facts)})


def restore(
    path: Path,
    key: str,
    network: torch.nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    before: Callable[[dict], None] = lambda progress: None,
) -> tuple[Tensors, dict] | None:
    """Put network and optimizers into the saved state.

    Args:
        path: the file.
        key: digest of data and recipe.
        network: all that is learned.
        optimizers: by turn.
        before: is told the plain facts before anything is put back.

    Returns:
        The best weights and the plain facts; None where there is no checkpoint of this data and recipe.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            if facts["key"] != key:
                print(
                    "the checkpoint belongs to other data or another recipe: starting from scratch",
                    flush=True,
                )
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError) as error:
        print(f"the checkpoint cannot be read ({error}): starting from scratch", flush=True)
        return None
    before(facts["progress"])
    network.load_state_dict(_below("network/", tensors))
    for turn, optimizer in optimizers.items():
        state: dict[int, dict] = {}
        for name, tensor in _below(f"optimizer/{turn}/", tensors).items():
            parameter, slot = name.split("/")
            state.setdefault(int(parameter), {})[slot] = tensor
        for name, parameter, slot, value in facts["plain"]:
            if name == turn:
                state.setdefault(parameter, {})[slot] = value
        optimizer.load_state_dict({"state": state, "param_groups": facts["groups"][turn]})
    return _below("best/", tensors), facts["progress"]


def _below(prefix: str, tensors: Tensors) -> Tensors:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
