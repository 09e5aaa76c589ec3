"""The kinds of frames of the third simulator."""

from __future__ import annotations

from collections.abc import Iterator

from bench.third.recipe import (
    Coding,
    Dirt,
    Film,
    Group,
    InfraredPass,
    Kind,
    Match,
    Process,
    Scan,
    Scene,
)

_NEGATIVE = Film(Process.NEGATIVE, leak=(0.06, 0.015, 0.005))
_KODACHROME = Film(leak=(0.42, 0.08, 0.02), cross_leak=0.05)
_SILVER = Film(Process.SILVER)
_FAR_PX = (57.0, -41.0)


def _of_film() -> Iterator[Kind]:
    yield Kind("clear slide")
    yield Kind("leaking", film=Film(leak=(0.34, 0.05, 0.02)))
    yield Kind("bright", film=Film(stops=1.1))
    yield Kind("dark", film=Film(stops=-2.2))
    yield Kind("negative, raw", film=_NEGATIVE)
    yield Kind("negative, inverted", film=_NEGATIVE, scan=Scan(Coding.INVERTED))
    yield Kind("negative, tinted dust", film=_NEGATIVE, dirt=Dirt(tinted=True), scan=Scan(Coding.SRGB))
    yield Kind("Kodachrome", Group.KODACHROME, film=_KODACHROME)
    yield Kind("silver", Group.SILVER, film=_SILVER)
    yield Kind("colours only", Group.COLOURS, infrared=InfraredPass(Match.NONE))


def _of_infrared() -> Iterator[Kind]:
    yield Kind("infrared at a third", infrared=InfraredPass(contrast=1 / 3))
    yield Kind("infrared at a sixth", infrared=InfraredPass(contrast=1 / 6))
    yield Kind("infrared soft", infrared=InfraredPass(soft_px=4.0))
    yield Kind("infrared displaced", infrared=InfraredPass(shift_px=(5.0, 0.6)))
    yield Kind(
        "infrared weak, soft, displaced", infrared=InfraredPass(contrast=0.25, soft_px=4.0, shift_px=(5.0, -0.7))
    )
    yield Kind("two passes", infrared=InfraredPass(shift_px=(1.7, -2.4), drift_px=1.6))
    yield Kind("uneven lamp", infrared=InfraredPass(fall_off=0.42))
    yield Kind("infrared clipped", infrared=InfraredPass(level=1.2))
    yield Kind("infrared noisy", infrared=InfraredPass(noise=0.016))
    yield Kind("stray dust", dirt=Dirt(stray=45.0))


def _of_dirt() -> Iterator[Kind]:
    yield Kind("faint", dirt=Dirt(strength=0.3, strongest=0.12))
    yield Kind("heavy", dirt=Dirt(specks=320, hairs=24, fibres=20, scratches=7, losses=1.5))
    yield Kind("fingerprint", dirt=Dirt(specks=40, prints=1))
    yield Kind("mould", dirt=Dirt(specks=40, moulds=6))
    yield Kind("haze", dirt=Dirt(specks=50, hazes=5))
    yield Kind("emulsion loss", dirt=Dirt(specks=40, losses=6.0))
    yield Kind("stripped scratches", dirt=Dirt(specks=30, stripped=7.0))
    yield Kind("bright scratches", dirt=Dirt(specks=30, bright=7.0), film=Film(stops=-1.2))


def _of_scan() -> Iterator[Kind]:
    yield Kind("mount", scan=Scan(mounted=True))
    yield Kind("12 bit", scan=Scan(bits=12))
    yield Kind("8 bit", scan=Scan(Coding.SRGB, bits=8))
    yield Kind("JPEG", scan=Scan(Coding.SRGB, bits=8, jpeg_quality=88))
    yield Kind("sharpened", scan=Scan(Coding.SRGB, sharpened=0.9))
    yield Kind("reduced", scan=Scan(Coding.SRGB, reduced=0.6))
    yield Kind("encoded", scan=Scan(Coding.SRGB))


def _of_scene() -> Iterator[Kind]:
    yield Kind("girders", scene=Scene.GIRDERS)
    yield Kind("stars", scene=Scene.LIGHTS)
    yield Kind("lettering", scene=Scene.LETTERING, infrared=InfraredPass(contrast=0.4, shift_px=(1.2, 0.4)))
    for scene in Scene:
        yield Kind(f"spotless {scene}", Group.SPOTLESS, scene, dirt=None)
    for scene in (Scene.LETTERING, Scene.ROAD):
        yield Kind(f"spotless {scene}, inverted", Group.SPOTLESS, scene, _NEGATIVE, None, scan=Scan(Coding.INVERTED))
    for scene in (Scene.LETTERING, Scene.ROAD, Scene.WIRES):
        yield Kind(
            f"spotless {scene}, colours only", Group.SPOTLESS, scene, dirt=None, infrared=InfraredPass(Match.NONE)
        )


def _misfits() -> Iterator[Kind]:
    yield Kind("infrared of another frame", Group.MISFIT, infrared=InfraredPass(Match.OTHER))
    yield Kind("infrared mirrored", Group.MISFIT, infrared=InfraredPass(Match.MIRRORED))
    yield Kind("infrared shifted too far", Group.MISFIT, infrared=InfraredPass(shift_px=_FAR_PX))


KINDS = (*_of_film(), *_of_infrared(), *_of_dirt(), *_of_scan(), *_of_scene(), *_misfits())
