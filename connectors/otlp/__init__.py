"""Spans to an OpenTelemetry collector over OTLP/HTTP; needs the extra `otel`, which is not installed by default."""
