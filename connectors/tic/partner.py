"""What is agreed with a TIC4.0 partner: a YAML or TOML file."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from connectors.messages.partner import Partner
from connectors.messages.said import RefusedPartError
from schemas.identifiers import is_subject

# The suggested name (p. 862224404): UN/LOCODE, terminal, type, number.
_NAME: Final = re.compile(r"([A-Z]{2}[A-Z2-9]{3})_([A-Z0-9]{2,16})_([A-Z]+)_?([0-9]+)")


def _asset(text: str) -> str:
    if not is_subject(text):
        raise ValueError(f"{text} is not <UN/LOCODE>-<site>-<asset>")
    return text


class TicPartner(Partner):
    """`cranes`: the name or id of a CHE → our asset, for those that are not named as TIC4.0 suggests."""

    cranes: dict[str, Annotated[str, AfterValidator(_asset)]] = Field(default_factory=dict)

    def subject(self, metadata: dict[str, object]) -> str:
        """`VNHPH_TANVU_STS_003` is `VNHPH-TANVU-STS03`: numbers have two digits or more. Raises RefusedPartError."""
        names = [name for name in (metadata.get("name"), metadata.get("id")) if isinstance(name, str) and name]
        for name in names:
            if name in self.cranes:
                return self.cranes[name]
        for name in names:
            if found := _NAME.fullmatch(name):
                return f"{found[1]}-{found[2]}-{found[3]}{int(found[4]):02d}"
        raise RefusedPartError(
            f"{' '.join(names) or 'a che without name and id'}: say in the partner's file, under cranes"
        )


def name_of(subject: str) -> tuple[str, str]:
    """The suggested name of an asset, and its type: `VNHPH_TANVU_STS_003`, `STS`."""
    locode, site, asset = subject.split("-", 2)
    kind = asset.rstrip("0123456789")
    number = asset[len(kind) :]
    return f"{locode}_{site}_{kind}_{number.zfill(3)}" if number else f"{locode}_{site}_{asset}", kind.strip("_")
