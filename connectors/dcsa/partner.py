"""What is agreed with a DCSA partner beyond the standard: a YAML or TOML file."""

from typing import Annotated, get_args

from pydantic import AfterValidator, Field

from connectors.kafka.outgoing import parse_time, time_text
from connectors.messages.partner import Partner
from schemas.events.vessel import VesselMilestone


def _moment(text: str) -> str:
    at = parse_time(text)
    if at is None:
        raise ValueError("a time is written as 2026-01-31T06:00:00+07:00")
    return time_text(at)


def _milestone(name: str) -> str:
    known = get_args(VesselMilestone.model_fields["milestone"].annotation)
    if name not in known:
        raise ValueError(f"{name} is no milestone; there are {', '.join(known)}")
    return name


class DcsaPartner(Partner):
    """`services`: a service and its event (`BERTH STRT`) → milestone, beside the standard's.

    `said_at`: when the times of a schedule were said, which schedules 3.0 has no word for.
    """

    services: dict[str, Annotated[str, AfterValidator(_milestone)]] = Field(default_factory=dict)
    said_at: Annotated[str, AfterValidator(_moment)] | None = None
