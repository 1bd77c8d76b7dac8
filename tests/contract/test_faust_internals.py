"""What streams/transport.py relies on inside Faust, mode and aiokafka: a new version must be read before it is pinned.

When this fails after an upgrade: read the named code again, mend the transport, then the table here.
"""

import asyncio
import hashlib
import inspect
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.app.base import App, BootStrategy
from faust.transport.conductor import Conductor
from faust.transport.consumer import CONSUMER_FETCHING, Consumer
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage
from mode import Service

from streams import transport
from streams.app import build_app
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
PINNED = ("faust-streaming", "mode-streaming", "aiokafka")
THREAD = driver.AIOKafkaConsumerThread

SIGNATURES: dict[Callable[..., Any], list[str]] = {
    driver.Consumer._drain_messages: ["self", "fetcher"],
    driver.Consumer._wait_next_records: ["self", "timeout"],
    driver.Consumer._get_active_partitions: ["self"],
    driver.Consumer._new_offset: ["self", "tp"],
    driver.Consumer._filter_tps_with_pending_acks: ["self", "topics"],
    driver.Consumer._new_consumer_thread: ["self"],
    driver.Consumer.seek_to_committed: ["self"],
    driver.Consumer.seek_wait: ["self", "partitions"],
    driver.Consumer.perform_seek: ["self"],
    driver.Consumer.earliest_offsets: ["self", "partitions"],
    driver.Consumer.highwaters: ["self", "partitions"],
    driver.Consumer.position: ["self", "tp"],
    driver.Consumer.assignment: ["self"],
    driver.Consumer.on_partitions_revoked: ["self", "revoked"],
    driver.Consumer.on_buffer_full: ["self", "tp"],
    driver.Consumer.on_buffer_drop: ["self", "tp"],
    driver.Consumer.wait_first: ["self", "coros", "timeout"],
    THREAD._create_worker_consumer: ["self", "transport"],
    THREAD._commit: ["self", "offsets"],
    THREAD._ensure_consumer: ["self"],
    THREAD.verify_event_path: ["self", "now", "tp"],
    App._new_transport: ["self"],
    App._create_directories: ["self"],
    App.on_first_start: ["self"],
    App.on_stop: ["self"],
}

# Digests of the code that is replaced, or whose order of steps is relied on.
SOURCES: dict[Callable[..., Any], str] = {
    driver.Consumer._drain_messages: "44a2500309e8",
    driver.Consumer._wait_next_records: "6218e1969a63",
    driver.Consumer._get_active_partitions: "b24897f3c7af",
    driver.Consumer.seek_to_committed: "f1d483b861b0",
    Consumer.perform_seek: "0e8c130ff4b0",
    Consumer.on_partitions_revoked: "d04b7ae72c6f",
    Consumer.on_partitions_assigned: "29ce96596f05",
    Consumer.on_buffer_full: "c8961679e0bc",
    Consumer.on_buffer_drop: "4b57e8a418d5",
    Consumer._new_offset: "1d2c7ea89a7a",
    Consumer._commit_offsets: "1a6979904118",
    Conductor.on_partitions_assigned: "616e9729131c",
    THREAD._create_worker_consumer: "c2701bfc3e6f",
    THREAD._commit: "932852ce7a23",
    THREAD._seek_wait: "9d221e816d94",
    THREAD.getmany: "26fc5fc9f3b6",
    THREAD._fetch_records: "39a2c6c79fc1",
    FetchResult.getall: "3e717e30de50",
    FetchResult.calculate_backoff: "a4f1c8baa1ce",
    Fetcher.fetched_records: "be4348896b9b",
    Fetcher._get_actions_per_node: "1dab2cf937d1",
    GroupCoordinator.check_errors: "ba6ca51ad348",
    GroupCoordinator._push_error_to_user: "743ff515bd7e",
    GroupCoordinator.request_rejoin: "f70a261c91c3",
    PartitionRecords._unpack_records: "b803e6d46480",
}


def name_of(function: Callable[..., Any]) -> str:
    return function.__qualname__


@pytest.fixture
def app() -> transport.BatchApp:
    return build_app(Settings(group="contract"))


@pytest.fixture
async def consumer(app: transport.BatchApp) -> Any:
    return app._new_consumer()


def test_the_engine_is_pinned_exactly_and_installed_as_pinned() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    pins = {line.partition("[")[0].partition("==")[0]: line.partition("==")[2] for line in declared if "==" in line}
    assert {name: pins.get(name) for name in PINNED} == {name: version(name) for name in PINNED}


@pytest.mark.parametrize("function", SIGNATURES, ids=name_of)
def test_what_is_called_or_replaced_takes_these_arguments(function: Callable[..., Any]) -> None:
    assert list(inspect.signature(function).parameters) == SIGNATURES[function]


@pytest.mark.parametrize("function", SOURCES, ids=name_of)
def test_code_that_is_replaced_or_relied_on_is_the_code_that_was_read(function: Callable[..., Any]) -> None:
    source = inspect.getsource(function)
    assert hashlib.sha256(source.encode()).hexdigest()[:12] == SOURCES[function], source


@pytest.mark.parametrize(
    "name", ["_drain_messages", "_wait_next_records", "seek_to_committed", "seek_wait", "on_partitions_revoked"]
)
def test_what_is_awaited_is_a_coroutine(name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(driver.Consumer, name))


def test_every_replaced_method_exists_upstream() -> None:
    pairs = ((transport.BatchConsumer, driver.Consumer), (transport.BatchConsumerThread, THREAD))
    for ours, theirs in pairs:
        replaced = {name for name in vars(ours) if callable(getattr(ours, name)) and hasattr(object, name) is False}
        new = {name for name in replaced if not hasattr(theirs, name)}
        # Ours alone: nothing upstream calls them.
        assert new <= {
            *("reseek", "hold", "release", "used_up", "_drain_once", "_deliver", "_answer"),
            *("unadmitted", "_unadmitted"),
        }


async def test_a_consumer_has_what_the_transport_reads(consumer: Any) -> None:
    assert isinstance(consumer, transport.BatchConsumer)
    assert consumer._read_offset == {}
    for name in ("suspend_flow", "can_resume_flow", "_stopped", "diag", "callback", "consumer_stopped_errors"):
        assert hasattr(consumer, name), name
    assert isinstance(consumer.flow_active, bool)
    assert consumer.diag.set_flag(CONSUMER_FETCHING) is None


async def test_our_thread_is_the_one_that_runs(consumer: Any) -> None:
    assert isinstance(consumer._thread, transport.BatchConsumerThread)
    assert consumer._thread.tp_last_committed_at == {}


def test_no_folder_is_made_where_the_command_was_called(
    app: transport.BatchApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app._create_directories()
    assert list(tmp_path.iterdir()) == []


def test_our_transport_is_the_one_that_is_used(app: transport.BatchApp) -> None:
    assert isinstance(app.transport, transport.BatchTransport)
    assert app.transport.Consumer is transport.BatchConsumer
    assert isinstance(app.consumer_generation_id, int)
    assert app.conf.broker_consumer


def test_the_web_pages_of_the_engine_stay_off(app: transport.BatchApp) -> None:
    assert BootStrategy.enable_web is None
    assert isinstance(app.boot_strategy, transport.NoWeb)
    assert app.boot_strategy.enable_web is False


def test_a_message_takes_the_fields_we_give_it() -> None:
    taken = list(inspect.signature(ConsumerMessage.__init__).parameters)[1:]
    given = ["topic", "partition", "offset", "timestamp", "timestamp_type", "headers", "key", "value", "checksum"]
    assert set(given) | {"serialized_key_size", "serialized_value_size", "tp", "generation_id"} <= set(taken)


async def test_isolation_level_and_fetch_wait_can_be_set_before_a_consumer_starts() -> None:
    assert "isolation_level" in inspect.signature(Fetcher.__init__).parameters
    plain = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    assert plain._isolation_level == "read_uncommitted"
    assert plain._fetch_max_wait_ms == 500


def test_a_stream_gives_events_without_acknowledging_them(app: transport.BatchApp) -> None:
    stream = app.stream(app.channel()).noack()
    assert stream.enable_acks is False
    assert inspect.isasyncgenfunction(type(stream).events)


async def test_a_child_of_the_shell_that_fails_unforeseen_ends_the_process(
    app: transport.BatchApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()
    monkeypatch.setattr("streams.app.crash", lambda _: ended.set())

    class Failing(Service):  # type: ignore[misc]
        @Service.task  # type: ignore[untyped-decorator]
        async def fail(self) -> None:
            raise KeyError

    child = app.shell.add_dependency(Failing())
    await child.start()
    await asyncio.wait_for(ended.wait(), 5)
    await child.stop()
