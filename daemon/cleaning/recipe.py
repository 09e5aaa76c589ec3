"""Everything that decides how a cleaned frame looks, besides its raw files: the options and the engine."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filmscand.daemon.archive.records.sidecar import Revision, RevisionOptions, recipe_digest
from filmscand.daemon.cleaning.engine_options import options_of
from filmscand.daemon.core.decision import Drawn
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.station.configuration import Cleaning
from filmscand.ir.errors import ModelError
from filmscand.ir.identity import EngineIdentity, engine_identity, release_of
from filmscand.ir.network.model_file import model_sha256
from filmscand.ir.report import CleanOptions


@dataclass(frozen=True, slots=True)
class Recipe:
    """The same recipe makes the same revision of the same raw files.

    Attributes
    ----------
    engine : EngineIdentity
        The engine of this process.
    engine_options : CleanOptions
        The options that the engine gets.
    options : RevisionOptions
        The options as the sidecar records them.
    """

    engine: EngineIdentity
    engine_options: CleanOptions
    options: RevisionOptions

    def made(self, revision: Revision) -> bool:
        """Return whether a revision was made by this recipe.

        An older sidecar does not tell which engine made a revision: that counts as another engine.
        """
        found = (release_of(revision.engine_version), revision.engine_code_sha256, revision.engine_models_sha256)
        engine = self.engine
        same_engine = found == (release_of(engine.version), engine.code_sha256, engine.models_sha256)
        return same_engine and revision.options == self.options

    @property
    def digest(self) -> str:
        """Digest of engine and options; see `recipe_digest`."""
        return recipe_digest(self.engine.label, self.options)


def recipe_of(
    request: CleanRequest, cleaning: Cleaning, drawn: Drawn | None = None, *, models_may_be_gone: bool = False
) -> Recipe:
    """Return the recipe for a request on a station with this configuration.

    Parameters
    ----------
    drawn : Drawn, optional
        The areas that a person drew on the frame; default: none.
    models_may_be_gone : bool
        Record no hash for a model file that cannot be read, instead of raising: most frames need no model.

    Raises
    ------
    ModelError
        A model that the configuration names cannot be read.
    """
    drawn = drawn or Drawn()
    options = replace(options_of(cleaning, request.sensitivity), excluded=drawn.excluded, marked=drawn.marked)
    recorded = RevisionOptions(
        **asdict(options),
        healer=cleaning.healer,
        film=request.film,
        fourth_sample_is_infrared=request.fourth_sample_is_infrared,
        models_sha256=_named_models(options, may_be_gone=models_may_be_gone),
    )
    return Recipe(engine_identity(), options, recorded)


def _named_models(options: CleanOptions, *, may_be_gone: bool) -> dict[str, str]:
    """Return the hashes of the model files that the options name, and of the detector's card."""
    named = {"detector": options.detector_model, "inpainting": options.inpainting_model}
    hashes: dict[str, str] = {}
    for name, path in named.items():
        with suppress(ModelError, OSError) if may_be_gone else nullcontext():
            hashes |= {} if path is None else {name: model_sha256(path)}
    if "detector" in hashes and options.detector_model is not None:
        card = Path(options.detector_model).with_suffix(".json")
        # The card holds the detector's probability thresholds.
        hashes |= {"detector_card": model_sha256(str(card))} if card.exists() else {}
    return hashes
