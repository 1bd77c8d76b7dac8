"""All boards, in the order in which one goes from the port to the machinery."""

from deploy.monitoring.dashboards import cargo, crane, effect, gate, overview, pipeline, quality, radio, timescale

BOARDS = (
    overview.BOARD,
    crane.BOARD,
    gate.BOARD,
    radio.BOARD,
    cargo.BOARD,
    effect.BOARD,
    quality.BOARD,
    pipeline.BOARD,
    timescale.BOARD,
)
