"""The formats of trade messages by name: what decodes them, and which file says what is agreed with the partner."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from connectors.dcsa import decoder as dcsa
from connectors.dcsa.partner import DcsaPartner
from connectors.edifact import decoder as edifact
from connectors.edifact.partner import EdifactPartner
from connectors.mapping import decoder as mapping
from connectors.mapping.model import Mapping
from connectors.messages.partner import Partner, checked, load
from connectors.messages.said import Decode
from connectors.tic import decoder as tic
from connectors.tic.partner import TicPartner
from schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its decoder, which takes a content, notes and the partner; and the partner's model."""

    decode: Callable[..., Any]
    partner: type[Partner]


FORMATS: Final = {
    "edifact": Format(edifact.decode, EdifactPartner),
    "dcsa": Format(dcsa.decode, DcsaPartner),
    "tic": Format(tic.decode, TicPartner),
}
MAPPED: Final = "mapped"
NAMES: Final = (*FORMATS, MAPPED)


def decoder_of(name: str, agreed: str | None = None, site: str | None = None) -> Decode:
    """The decoder of a format. `agreed`: the partner's file, or for `mapped` the mapping; `site` stands for such a file.

    Raises ConfigurationError.
    """
    if name == MAPPED:
        if agreed is None:
            raise ConfigurationError("format mapped needs a mapping: name its YAML or TOML file")
        return partial(mapping.decode, mapping=load(Mapping, Path(agreed)))
    form = FORMATS[name]
    if agreed is not None:
        partner = load(form.partner, Path(agreed))
    else:
        partner = checked(form.partner, {} if site is None else {"site": site}, "--site")
    return partial(form.decode, partner=partner)
