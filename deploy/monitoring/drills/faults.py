"""The faults, the alerts they must raise, and their repairs: those of the runbooks."""

import asyncio
import subprocess
from signal import SIGCONT, SIGSTOP

from connectors.kafka.options import KafkaAccess
from connectors.kafka.producer import Publisher
from deploy.monitoring.drills.ground import COMMAND, Alert, Ground
from deploy.monitoring.drills.play import Drill

_EDGE = ("-m", "deploy.monitoring.drills.edge")
_WRONG_S = 7_200

# Every transaction moves its partitions first.
_SLOW = """
CREATE FUNCTION ingest.drill_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
CREATE TRIGGER drill_slow BEFORE UPDATE ON ingest.partition_offset FOR EACH STATEMENT EXECUTE FUNCTION ingest.drill_slow();
"""


def slow_down(place: Ground) -> None:
    """Each transaction of a worker takes three seconds longer."""
    place.held.callback(speed_up, place)
    with place.owner() as connection:
        connection.execute(_SLOW)


def speed_up(place: Ground) -> None:
    with place.owner() as connection:
        connection.execute("DROP FUNCTION IF EXISTS ingest.drill_slow() CASCADE")


def lock(place: Ground) -> None:
    """Hold a table that crane transactions write to."""
    connection = place.owner()
    place.held.callback(connection.close)
    connection.execute("LOCK TABLE port.crane_sample IN ACCESS EXCLUSIVE MODE")


def poison(place: Ground) -> None:
    """More unreadable records in a row than the dead-letter bound allows."""
    asyncio.run(_send(str(place.stack.status().brokers), "gate-events", b"\xff", 6_000))


async def _send(brokers: str, topic: str, value: bytes, count: int) -> None:
    async with Publisher(KafkaAccess(brokers)) as publisher:
        for _ in range(count):
            await publisher.send(topic, b"drill", value)


def resume(_: Ground) -> None:
    subprocess.run([*COMMAND, "dead-letters", "resume", "gate-events"], check=True, capture_output=True)


def set_clock(place: Ground, ahead_s: int) -> None:
    """A gateway begins to speak whose clock is so far ahead; one that spoke before is restarted."""
    if "gateway" in place.running:
        place.end("gateway")
    place.run("gateway", *_EDGE, "clock", str(place.stack.status().brokers), str(ahead_s))


def fade(place: Ground) -> None:
    """The modems of the quay cranes at Tan Vu are in one deep fade, beside what the port says of them."""
    place.run("fades", *_EDGE, "fade", str(place.stack.status().brokers))


def silence(place: Ground) -> None:
    """Every gateway ends."""
    for name in {"port", "gateway"} & set(place.running):
        place.end(name)


def page(name: str) -> Alert:
    return Alert("page", name)


DRILLS = (
    Drill(
        "worker-frozen",
        (page("WorkersDown"),),
        120,
        lambda g: g.tell("worker", SIGSTOP),
        lambda g: g.tell("worker", SIGCONT),
    ),
    Drill(
        "database-down",
        (page("DatabaseDown"),),
        180,
        lambda g: g.stack.stop("timescaledb"),
        lambda g: g.start("timescaledb"),
    ),
    Drill(
        "broker-down",
        (page("BrokerUnreachable"),),
        210,
        lambda g: g.stack.stop("kafka"),
        lambda g: g.start("kafka"),
    ),
    Drill("poison-burst", (page("PartitionPaused"),), 120, poison, resume),
    Drill("table-locked", (page("WorkerStalled"),), 240, lock, lambda g: g.held.close()),
    Drill("gateway-clock", (page("ClockSkew"),), 360, lambda g: set_clock(g, _WRONG_S), lambda g: set_clock(g, 0)),
    Drill("radio-fade", (page("SlaBudgetBurnFast"),), 360, fade, lambda g: g.end("fades"), clears_s=480),
    Drill("gateway-silent", (page("DomainSilent"),), 780, silence, Ground.speak),
    # Last: the page of the six-hour window looks back half an hour.
    Drill(
        "database-slow",
        (page("FreshnessBudgetBurn"), Alert("ticket", "CommitsSlow")),
        600,
        slow_down,
        lambda g: g.held.close(),
        clears_s=2_400,
        rests=True,
    ),
)
