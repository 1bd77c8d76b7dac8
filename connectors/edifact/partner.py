"""What a partner's messages mean where the standard leaves it open: a YAML or TOML file. docs/how-to/messages.md has the words."""

from typing import Annotated, Final, Literal

from pydantic import Field

from connectors.messages.partner import Partner

Milestone = Literal["gated_in", "gated_out", "discharged", "loaded", "stacked", "restowed"]
Codes = dict[str, Milestone]

# BGM 1001. 98 and 270 are of the guides we know; 44 and 46 are of a terminal of Genoa, as it sends them.
CODECO: Final[Codes] = {"34": "gated_in", "36": "gated_out"}
COARRI: Final[Codes] = {"98": "discharged", "270": "loaded", "44": "discharged", "46": "loaded"}


class EdifactPartner(Partner):
    """`codeco`, `coarri`: document code → milestone, beside the usual ones. `gate`, `lane`: of gate steps.

    `visit`: the qualifier of the RFF that names a truck's visit. `calls`: vessel and voyage → call.
    """

    codeco: Codes = Field(default_factory=dict)
    coarri: Codes = Field(default_factory=dict)
    gate: Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,32}$")] = "GATE"
    lane: Annotated[str, Field(min_length=1, max_length=64)] = "EDI"
    gate_steps: bool = True
    visit: Annotated[str, Field(min_length=1)] | None = None
    calls: dict[str, str] = Field(default_factory=dict)

    def milestone(self, kind: str, code: str) -> Milestone | None:
        """What a document code of CODECO or COARRI means, or None."""
        own, usual = (self.codeco, CODECO) if kind == "CODECO" else (self.coarri, COARRI)
        return own.get(code) or usual.get(code)
