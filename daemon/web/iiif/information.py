"""What an image offers: the content of its `info.json` (IIIF Image API 3.0, section 5)."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from filmscand.daemon.cleaning.deep_zoom import TILE_PX, size_at, top_level
from filmscand.daemon.web.iiif.parameters import MAX_AREA, MAX_SIDE
from filmscand.daemon.web.iiif.shown import ShownImage

CONTEXT: Final = "http://iiif.io/api/image/3/context.json"


class ImageSize(BaseModel):
    """A size at which the whole image is quick to get."""

    width: int
    height: int


class ImageTiles(BaseModel):
    """Tiles that are quick to get, by the factors by which they are smaller."""

    width: int = TILE_PX
    scale_factors: tuple[int, ...] = Field(serialization_alias="scaleFactors")


class ImageInformation(BaseModel):
    """The content of `info.json`, with the names of the specification."""

    model_config = ConfigDict(frozen=True)

    context: str = Field(default=CONTEXT, serialization_alias="@context")
    id: str
    type: str = "ImageService3"
    protocol: str = "http://iiif.io/api/image"
    profile: str = "level2"
    width: int
    height: int
    max_width: int = Field(default=MAX_SIDE, serialization_alias="maxWidth")
    max_area: int = Field(default=MAX_AREA, serialization_alias="maxArea")
    sizes: tuple[ImageSize, ...]
    tiles: tuple[ImageTiles, ...]
    preferred_formats: tuple[str, ...] = Field(default=("jpg",), serialization_alias="preferredFormats")
    extra_qualities: tuple[str, ...] = Field(default=("color", "gray"), serialization_alias="extraQualities")
    extra_features: tuple[str, ...] = Field(default=("mirroring",), serialization_alias="extraFeatures")

    def to_json(self) -> bytes:
        """Return the document."""
        return self.model_dump_json(by_alias=True).encode()


def information_of(image: ShownImage, address: str) -> ImageInformation:
    """Return what an image offers; `address` is its base URI."""
    top = top_level(image.rows, image.cols)
    shapes = (size_at(level, image.rows, image.cols) for level in range(top + 1))
    # Below one tile there is nothing that a viewer would ask for.
    sizes = [(rows, cols) for rows, cols in shapes if rows * cols <= MAX_AREA and max(rows, cols) >= TILE_PX // 4]
    factors = tuple(1 << step for step in range(max(1, top - (TILE_PX - 1).bit_length() + 1)))
    return ImageInformation(
        id=address,
        width=image.cols,
        height=image.rows,
        sizes=tuple(ImageSize(width=cols, height=rows) for rows, cols in sizes),
        tiles=(ImageTiles(scale_factors=factors),),
    )
