"""The part of the graph that knows what does a job: the fingerprint of its code, its backend and its tools."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ..backends import protocol
from ..config import Study
from ..fingerprint import closure, fingerprint
from ..maps import SOURCES
from ..places import ROOT
from ..stages import STEPS, TEMPLATES


class JobCode:
    """What every rule asks about its own step; a part of `Graph`."""

    @cache  # noqa: B019 - one graph lives as long as the process
    def code(self, stage: str, step: str) -> str:
        """The fingerprint of a step's code and, where it runs a backend, of that and its tools."""
        if known := self._codes.get(f"{stage} {step}"):
            return known
        modules, versions = [f"recontrast.{stage}.{step}"], {}
        if operation := STEPS[stage][step]:
            modules.append(protocol.module_of(self.backend(stage, step), operation))
            versions = dict(self._versions(stage, step))
        files = [*TEMPLATES.get(step, ())]
        if step == "index":
            files += sorted({f"methods/{e.method}.yaml" for e in self.study.experiments.values()})
        if stage == "conversion":
            versions["dcm2niix"] = version("dcm2niix")
        versions |= {file: _content(file) for file in files}
        return fingerprint(*modules, versions=versions)

    @cache  # noqa: B019
    def backend(self, stage: str, step: str) -> str:
        """The backend of a step: as the study says, or with auto the first of its order that can do it here."""
        if known := self._tools.get(f"{stage} {step}"):
            return known["backend"]
        return backend_for(self.study, STEPS[stage][step])

    def codes(self) -> dict[str, str]:
        """Step -> `code`, for every step of the study."""
        asked = steps_of(self.study).items()
        return {f"{stage} {step}": self.code(stage, step) for stage, steps in asked for step in steps}

    def env(self, stage: str, step: str) -> str:
        """The conda file of a step's software, as seen from rules/."""
        return f"../envs/{self.backend(stage, step)}.yaml"

    def tools(self) -> dict[str, dict]:
        """Step -> its backend and the versions of the tools that it runs there, for steps that have one."""
        found = {}
        for stage, steps in steps_of(self.study).items():
            for step, operation in steps.items():
                if operation:
                    found[f"{stage} {step}"] = {
                        "backend": self.backend(stage, step),
                        "tools": self._versions(stage, step),
                    }
        return found

    @property
    def stages(self) -> list[str]:
        """The stages that the study asks for, in the order in which data walks."""
        return list(steps_of(self.study))

    def method_code(self, method: str) -> str:
        """The fingerprint of training a method."""
        return fingerprint("recontrast.training.train", f"recontrast.methods.{method}")

    def choice_code(self, w) -> str:
        """The fingerprint of choosing between its models; constant where `training_code` is."""
        method = f"recontrast.methods.{self.model(w).settings.method}"
        return fingerprint("recontrast.training.choose", method) if self.study.training.retrain else "kept"

    def gpus(self, w) -> int:
        """How many GPUs a training wants: one, if its method can use it and the study lets it."""
        return int(self._device(self.model(w).settings.method) != "cpu")

    def timed_device(self, w) -> str:
        """What the time of a prediction is taken on: where the images are made."""
        return self._device(self.study.experiments[w.experiment].method)

    def prediction_gpus(self, w) -> int:
        """How many GPUs a prediction wants: one, where its method can use it, so that nothing runs short of memory."""
        return int(self.timed_device(w) != "cpu")

    def _device(self, method: str) -> str:
        """The study's device for a method that can use a GPU, else the CPU."""
        able = "recontrast.trainer.device" in closure(f"recontrast.methods.{method}")
        return self.study.training.device if able else "cpu"

    def _versions(self, stage: str, step: str) -> dict[str, str]:
        if known := self._tools.get(f"{stage} {step}"):
            return known["tools"]
        return tools_for(self.study, self.backend(stage, step), STEPS[stage][step])


def steps_of(study: Study) -> dict[str, dict[str, str | None]]:
    """The stages that a study asks for, in the order in which data walks, and the steps there, as in `STEPS`."""
    lesions = study.lesions.method or study.lesions.fill
    asked = {*study.sources, *(["lesions"] if lesions else [])}
    steps = {
        stage: dict(STEPS[stage]) for stage in STEPS if stage not in (*SOURCES, "lesions") or stage in asked
    }
    if not study.anatomy.warp:  # not every backend can
        del steps["anatomy"]["warp_template"]
    return steps


def read_code(study: Study) -> None:
    """Read the code that a study runs, so that processes forked from this one have it for their fingerprints."""
    names = [f"recontrast.{stage}.{step}" for stage, steps in steps_of(study).items() for step in steps]
    closure(*names, *(f"recontrast.methods.{e.method}" for e in study.experiments.values()))


def backend_for(study: Study, operation: str) -> str:
    """The backend of an operation: as the study says, or with auto the first of its order that can do it here.

    Raises:
        RecontrastError: it cannot be done here.
    """
    chosen = study.backends.get(operation, study.backend)
    if _deployed(study, chosen):
        protocol.module_of(chosen, operation)  # whether it has that operation at all
        return chosen
    return protocol.resolve(study.backend_order if chosen == "auto" else (chosen,), operation)


def tools_for(study: Study, backend: str, operation: str) -> dict[str, str]:
    """The tools of an operation with their versions, or the conda file that brings them."""
    if _deployed(study, backend):
        file = f"envs/{backend}.yaml"
        return {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:12]}
    return protocol.versions(backend, operation)


def _deployed(study: Study, backend: str) -> bool:
    """Whether conda brings a backend, so that its tools cannot be seen before the first job."""
    return study.software == "conda" and backend in ("fsl", "ants")


def _content(file: str) -> str:
    """The hash of a file of the package that is no code."""
    return hashlib.sha256((Path(__file__).parents[1] / file).read_bytes()).hexdigest()
