"""`rotate`: new certificates and passwords for a secured local stack, while it runs and nothing is lost."""

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from deploy.local import Stack


class Step(enum.StrEnum):
    """What is done, in this order."""

    TRUST = "trust"
    ISSUE = "issue"
    FORGET = "forget"


Which = Annotated[Step, typer.Argument(help="One after the other; running programs must have followed in between.")]
Name = Annotated[str, typer.Argument(help="A principal of Kafka, or a role of the database such as quaystream_worker.")]


def register(app: typer.Typer) -> None:
    rotate = typer.Typer(no_args_is_help=True, help="New certificates and passwords for a secured local stack.")
    rotate.command()(certificates)
    rotate.command()(password)
    app.add_typer(rotate, name="rotate")


def certificates(step: Which) -> None:
    """Trust a new authority beside the old one, issue every certificate anew by it, forget the old one.

    Nobody meets what he does not trust yet, so nothing is lost: running workers notice and start over by themselves,
    gateways read their files at every new connection.
    """
    stack = _stack()
    stack.renew(step.value)
    after = {
        Step.TRUST: "A new authority is trusted beside the old one. Next, when all have read it: `quaystream rotate certificates issue`",
        Step.ISSUE: "Every certificate is new. Next, when all show them: `quaystream rotate certificates forget`",
        Step.FORGET: "Only the new authority is trusted.",
    }
    print(after[step])


def password(name: Name) -> None:
    """Give a principal of Kafka, or a role of the database, a new password in its file. Who reads that takes it up."""
    _stack().change_password(name)
    print(f"{name} has a new password, in the file it had before.")


def _stack() -> "Stack":
    from deploy.local import Stack
    from streams.settings import load_settings

    stack = Stack(load_settings().home)
    if not stack.status().secured:
        raise ConfigurationError("this stack has no certificates and no passwords at Kafka: `quaystream up --secure`")
    return stack
