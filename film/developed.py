"""The film as it lies in the scanner: what both passes look through."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.film.fields import Plane
from filmscand.film.mount import MountPlanes
from filmscand.film.recipe import FrameRecipe
from filmscand.film.specks import Patch


@dataclass(frozen=True, slots=True)
class DevelopedFilm:
    """A developed, damaged and mounted frame.

    Parameters
    ----------
    densities : ndarray of float32, shape (3, rows, cols)
        Density over the base of the red, green and blue channel, without damage.
    patches : tuple of Patch
        The damage.
    mount : MountPlanes or None
        What frames the film.
    recipe : FrameRecipe
        What the frame was made of.
    seed : int
        Its seed.
    """

    densities: Plane
    patches: tuple[Patch, ...]
    mount: MountPlanes | None
    recipe: FrameRecipe
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.densities.shape[1], self.densities.shape[2]

    def through_mount(self, transmittance: Plane) -> Plane:
        """Return the light that passes film, bare gate and holder, from the film's transmittance."""
        if self.mount is None:
            return transmittance
        passed: Plane = transmittance * self.mount.film_share + self.mount.bare_share
        return passed
