"""A duration given on the command line."""

from datetime import timedelta

from schemas.errors import ConfigurationError


def span_option(option: str, text: str | None) -> timedelta | None:
    """`90d`, `36h`, `2m` or `120s`; None when the option was not given. Raises ConfigurationError."""
    from streams.settings import parse_span

    try:
        span = parse_span(text)
    except ValueError:
        span = text
    if span is not None and not isinstance(span, timedelta):
        message = f"{option} {text} is not a duration: write for example 90d, 36h, 2m or 120s"
        raise ConfigurationError(message)
    return span
