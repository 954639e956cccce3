"""BET's surface moved towards the brain's, compiled (Smith 2002, Hum Brain Mapp 17:143, "Surface model evolution").

The package gives the first surface, the levels of intensity and the mask. Its own loop takes several times as long, as
it makes arrays for every vertex and every line.
"""

import math

import numba
import numpy as np
from brainextractor import BrainExtractor

NEIGHBOURS = 6  # of a vertex at most; twelve of an icosphere have five


def deform(extractor: BrainExtractor, steps: int) -> None:
    """Move the surface of an extractor some steps on, as its `run` does."""
    extractor.vertices = moved(
        np.asarray(extractor.data, dtype=np.float64),
        np.asarray(extractor.vertices, dtype=np.float64),
        np.asarray(extractor.faces, dtype=np.int64),
        neighbours(extractor.surface.vertex_neighbors),
        steps,
        (extractor.t2, extractor.t, extractor.tm),
        (extractor.d1, extractor.d2),
        (extractor.E, extractor.F),
        extractor.bt,
    )
    extractor.rebuild_surface()


def neighbours(lists: list[list[int]]) -> np.ndarray:
    """The neighbours of every vertex, int64 of shape (vertices, 6), -1 where there is none."""
    table = np.full((len(lists), NEIGHBOURS), -1)
    for vertex, own in enumerate(lists):
        table[vertex, : len(own)] = own
    return table


@numba.njit(cache=True)
def moved(data, vertices, faces, neighbours, steps, levels, depths, curvature, threshold):
    """Vertices after some steps, float64 of shape (vertices, 3), in voxels.

    Args:
        data: the head, float64 (x, y, z).
        vertices: where they are, in voxels.
        faces: numbers of three vertices each.
        neighbours: as `neighbours` gives them.
        steps: how many.
        levels: t2, t and tm of the paper.
        depths: d1 and d2 of the paper, in voxels.
        curvature: E and F of the paper.
        threshold: bt of the paper, the fractional intensity threshold.
    """
    count = len(vertices)
    dark, air, median = levels
    middle, sharpness = curvature
    for _ in range(steps):
        normals = outward(vertices, faces)
        centroids, spacing = centres(vertices, neighbours)
        shifted = np.empty_like(vertices)
        for i in range(count):
            vertex, normal = vertices[i], normals[i]
            to_centroid = minus(centroids[i], vertex)
            along = dot(to_centroid, normal)
            radius = spacing**2 / (2 * abs(along))
            smooth = (1 + math.tanh(sharpness * (1 / radius - middle))) / 2
            lowest = along_line(data, vertex, minus(vertex, normal, depths[0]))[0]
            highest = along_line(data, vertex, minus(vertex, normal, depths[1]))[1]
            lowest, highest = max(dark, min(median, lowest)), min(median, max(air, highest))
            level = (highest - dark) * threshold + dark
            pull = 0.05 * 2 * (lowest - level) / (highest - dark) * spacing
            for axis in range(3):
                tangential = to_centroid[axis] - along * normal[axis]
                shifted[i, axis] = vertex[axis] + 0.5 * tangential + (smooth * along + pull) * normal[axis]
        vertices = shifted
    return vertices


@numba.njit(cache=True)
def outward(vertices, faces):
    """Unit normals of the vertices (vertices, 3): those of the faces around, weighted by their angles there."""
    normals = np.zeros_like(vertices)
    for a, b, c in faces:
        side, other = minus(vertices[b], vertices[a]), minus(vertices[c], vertices[a])
        normal = (
            side[1] * other[2] - side[2] * other[1],
            side[2] * other[0] - side[0] * other[2],
            side[0] * other[1] - side[1] * other[0],
        )
        area = length(normal)
        at_a = angle(side, other)
        at_b = angle(minus(vertices[a], vertices[b]), minus(vertices[c], vertices[b]))
        for axis in range(3):
            normals[a, axis] += at_a * normal[axis] / area
            normals[b, axis] += at_b * normal[axis] / area
            normals[c, axis] += (math.pi - at_a - at_b) * normal[axis] / area
    for i in range(len(normals)):
        normals[i] /= length(normals[i])
    return normals


@numba.njit(cache=True)
def centres(vertices, neighbours):
    """The mean of every vertex's neighbours (vertices, 3), and the mean distance to them over all vertices."""
    centroids, spacing = np.zeros_like(vertices), 0.0
    for i in range(len(vertices)):
        found, distance = 0, 0.0
        for j in neighbours[i]:
            if j >= 0:
                found += 1
                distance += length(minus(vertices[i], vertices[j]))
                centroids[i] += vertices[j]
        centroids[i] /= found
        spacing += distance / found / len(vertices)
    return centroids, spacing


@numba.njit(cache=True)
def along_line(data, start, end):
    """Lowest and highest value on the line from one point to another, by Bresenham's voxels; none lie outside."""
    x, y, z = nearest(start)
    last_x, last_y, last_z = nearest(end)
    along_x, along_y, along_z = abs(last_x - x), abs(last_y - y), abs(last_z - z)
    longest = max(along_x, along_y, along_z)
    error_x, error_y, error_z = 2 * along_x - longest, 2 * along_y - longest, 2 * along_z - longest
    lowest, highest = math.inf, -math.inf
    for _ in range(longest + 1):
        value = data[held(x, data.shape[0]), held(y, data.shape[1]), held(z, data.shape[2])]
        lowest, highest = min(lowest, value), max(highest, value)
        x, error_x = onward(x, last_x, error_x, along_x, longest)
        y, error_y = onward(y, last_y, error_y, along_y, longest)
        z, error_z = onward(z, last_z, error_z, along_z, longest)
    return lowest, highest


@numba.njit(cache=True)
def onward(place, last, error, along, longest):
    """The next place on one axis of a line, and the error carried on."""
    if error >= 0:
        place += 1 if last > place else -1
        error -= 2 * longest
    return place, error + 2 * along


@numba.njit(cache=True)
def nearest(point):
    """The closest voxel; the lower one of two."""
    return math.ceil(point[0] - 0.5), math.ceil(point[1] - 0.5), math.ceil(point[2] - 0.5)


@numba.njit(cache=True)
def held(place, size):
    """A place moved into an axis of some size."""
    return min(max(place, 0), size - 1)


@numba.njit(cache=True)
def angle(one, other):
    """Between two vectors, in radians."""
    return math.acos(min(max(dot(one, other) / (length(one) * length(other)), -1.0), 1.0))


@numba.njit(cache=True)
def minus(one, other, times=1.0):
    """One vector of three less another that is taken some times, a tuple."""
    return one[0] - times * other[0], one[1] - times * other[1], one[2] - times * other[2]


@numba.njit(cache=True)
def dot(one, other):
    """Scalar product of two vectors of three."""
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


@numba.njit(cache=True)
def length(vector):
    """Of a vector of three."""
    return math.sqrt(dot(vector, vector))
