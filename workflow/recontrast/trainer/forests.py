"""Regression forests as flat arrays: scikit-learn grows them, they are kept and read without pickling."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property

import numba
import numpy as np
from sklearn.ensemble import RandomForestRegressor

from ..errors import RecontrastError
from ..models.interface import Run
from ..models.recipes import Recipe

VOXELS = 1024  # at a time through all trees, so that their features stay in the cache


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees, each tree depth first: an inner node is followed by its lower branch.

    Attributes:
        feature: int32 (nodes,), the column that an inner node looks at; -1 in leaves.
        number: float32 (nodes,), the threshold of an inner node, which the lower branch includes; what a leaf
            predicts.
        above: int32 (nodes,), the first node of an inner node's upper branch; -1 in leaves.
        roots: int32 (trees,).
    """

    feature: np.ndarray
    number: np.ndarray
    above: np.ndarray
    roots: np.ndarray

    @classmethod
    def of(cls, grown: RandomForestRegressor) -> "Forest":
        """The arrays of a forest that scikit-learn grew; both predict the same."""
        trees = [one.tree_ for one in grown.estimators_]
        roots = np.cumsum([0] + [tree.node_count for tree in trees[:-1]])
        leaf = np.concatenate([tree.children_left for tree in trees]) < 0
        above = np.concatenate([tree.children_right + root for tree, root in zip(trees, roots, strict=True)])
        exact = np.concatenate([tree.threshold for tree in trees])
        threshold = exact.astype(np.float32)
        # Features are float32: a threshold rounded down parts them as the exact one does, rounded up it may not.
        threshold = np.where(threshold > exact, np.nextafter(threshold, np.float32(-np.inf)), threshold)
        value = np.concatenate([tree.value[:, 0, 0] for tree in trees]).astype(np.float32)
        return cls(
            feature=np.where(leaf, -1, np.concatenate([tree.feature for tree in trees])).astype(np.int32),
            number=np.where(leaf, value, threshold),
            above=np.where(leaf, -1, above).astype(np.int32),
            roots=roots.astype(np.int32),
        )

    @classmethod
    def read(cls, weights: dict[str, np.ndarray], prefix: str = "") -> "Forest":
        """A forest from a model's weights.

        Raises:
            RecontrastError: its nodes do not form trees.
        """
        forest = cls(**{name: weights[prefix + name] for name in cls.__dataclass_fields__})
        nodes = len(forest.feature)
        inner = np.flatnonzero(forest.feature >= 0)
        above = forest.above[inner]
        # Every step leads onwards and stays inside, so that every walk ends in a leaf.
        onwards = (above > inner).all() and (above < nodes).all() and (inner < nodes - 1).all()
        if not (onwards and (forest.roots >= 0).all() and (forest.roots < nodes).all()):
            raise RecontrastError("the trees of the model are damaged", remedy="train the model again")
        return forest

    @cached_property
    def columns(self) -> int:
        """How many features a sample must have, at least."""
        return int(self.feature.max()) + 1

    def weights(self, prefix: str = "") -> dict[str, np.ndarray]:
        """The arrays by name, as a model keeps them."""
        return {prefix + name: array for name, array in asdict(self).items()}

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The mean of all trees, float32 (samples,), from float32 features (samples, columns)."""
        if features.shape[1] < self.columns:
            raise RecontrastError(
                f"the model uses {self.columns} features per voxel, but {features.shape[1]} were given",
                remedy="give it as many contrasts as it was trained on",
            )
        total = np.zeros(len(features))
        _walk(self.feature, self.number, self.above, self.roots, features, total)
        return (total / len(self.roots)).astype(np.float32)

    def predict_voxels(
        self, voxels: np.ndarray, features_of: Callable[[np.ndarray], np.ndarray], threads: int
    ) -> np.ndarray:
        """Predictions for voxels (n, 3), a few at a time: their features are never all in memory."""
        parts = np.array_split(voxels, max(1, math.ceil(len(voxels) / VOXELS)))
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(lambda part: self.predict(features_of(part)), parts)))


def grow(features: np.ndarray, targets: np.ndarray, recipe: Recipe, run: Run) -> RandomForestRegressor:
    """Grow a forest on bootstrap samples, in one go; the number of threads does not change it.

    Args:
        features: float32 (samples, columns).
        targets: (samples,).
        recipe: `trees`, `leaf` (samples in a leaf, at least) and `feature_share` (tried at each split).
        run: seed and threads.
    """
    forest = RandomForestRegressor(
        n_estimators=recipe["trees"],
        min_samples_leaf=recipe["leaf"],
        max_features=recipe["feature_share"],
        n_jobs=run.threads,
        random_state=run.seed,
    )
    return forest.fit(features, targets)


def out_of_bag(grown: RandomForestRegressor, features: np.ndarray) -> np.ndarray:
    """What a forest predicts for the samples it grew on, each by those trees that have not seen it."""
    total = np.zeros(len(features))
    trees = np.zeros(len(features))
    for tree, drawn in zip(grown.estimators_, grown.estimators_samples_, strict=True):
        unseen = np.ones(len(features), bool)
        unseen[drawn] = False
        total[unseen] += tree.predict(features[unseen])
        trees += unseen
    # In a small forest a sample may have been seen by every tree.
    everywhere = trees == 0
    if everywhere.any():
        total[everywhere], trees[everywhere] = grown.predict(features[everywhere]), 1
    return (total / trees).astype(np.float32)


@numba.njit(nogil=True)
def _walk(feature, number, above, roots, features, total):
    # Unsigned indices spare a test for negative ones at each step.
    for root in roots:
        for row in range(len(features)):
            seen = features[row]
            node = np.uint64(root)
            while feature[node] >= 0:
                if seen[np.uint64(feature[node])] > number[node]:
                    node = np.uint64(above[node])
                else:
                    node += np.uint64(1)
            total[row] += number[node]
