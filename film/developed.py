"""The developed film in the scanner, which the picture's pass and the infrared pass share."""

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
        The defects.
    mount : MountPlanes or None
        The mount; None if the film fills the frame.
    recipe : FrameRecipe
        The recipe of the frame.
    seed : int
        Seed of the frame, >= 0.
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
        """Return the light behind film and mount: transmittance * film_share + bare_share.

        Parameters
        ----------
        transmittance : ndarray of float32, shape (rows, cols)
            Transmittance of the film, 0..1.

        Returns
        -------
        ndarray of float32, shape (rows, cols)
            Share of the lamp's light, 0..1.
        """
        if self.mount is None:
            return transmittance
        transmitted: Plane = transmittance * self.mount.film_share + self.mount.bare_share
        return transmitted
