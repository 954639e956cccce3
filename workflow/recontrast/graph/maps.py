"""The part of the graph that makes maps: diffusion and relaxometry."""

from pathlib import Path

from snakemake.io import ancient

from ..inheritance import nearest
from ..options import options


class MapJobs:
    """What the rules of diffusion and relaxometry ask; a part of `Graph`."""

    def dwi(self, w):
        """The raw diffusion series."""
        return self._raw(self._source(w, "diffusion").path)

    def dwi_bval(self, w):
        """Its b-values."""
        return self._of(self._source(w, "diffusion").path, ".bval")

    def dwi_bvec(self, w):
        """Its gradient directions."""
        return self._of(self._source(w, "diffusion").path, ".bvec")

    def dwi_content(self, w) -> str:
        """The hash over series, b-values and directions."""
        return self._source(w, "diffusion").sha256

    def relaxation_images(self, w) -> list:
        """The raw multi-delay multi-echo images."""
        image = self._source(w, "relaxometry")
        return [self._raw(path) for path in (image.path, *image.others)]

    def relaxation_content(self, w) -> str:
        """The hash over them and their JSON files."""
        return self._source(w, "relaxometry").sha256

    def relaxation_timing(self, w) -> str:
        """The settings of the acquisition that the study gives, as options."""
        study = self.study.relaxometry
        return options(
            echo_times=study.echo_times,
            delays=study.delays,
            repetition_time=[study.repetition_time] if study.repetition_time else [],
            saturation_angle=[study.saturation_angle],
            excitation_angle=[study.excitation_angle],
        )

    def bloch_timing(self, w) -> str:
        """The times of the sequence that is computed, as options."""
        sequence = self.study.relaxometry.bloch[w.suffix]
        return options(
            repetition_time=[sequence.repetition_time],
            echo_time=[sequence.echo_time],
            inversion_times=sequence.inversion_times,
        )

    def _source(self, w, source: str):
        return self._session(w).sources[source]

    def _of(self, path: Path, ending: str):
        """The text file that holds for a raw image."""
        text = str(nearest(path, ending))
        return text if str(path) in self.jobs else ancient(text)
