"""The compose files: right by the specification's schema, kept by every policy, and no drift from the native stack."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.timescale.deadlines import COMMAND_TIMEOUT_S
from deploy.compose import passwords, roles
from deploy.compose.policy import POLICIES, violations
from deploy.local import kafka, timescaledb
from deploy.local.ports import DEFAULTS
from deploy.local.roles import ROLES
from deploy.local.stack import PARTS
from schemas.errors import ConfigurationError
from streams.settings import Settings, parse_span, variable
from tests.support.composed import FOLDER, Node, kafka_properties, load, properties, schema, service
from tests.support.documents import ROOT
from tests.support.worker import free_port

FILES = ["compose.yaml", "compose.test.yaml"]
NATIVE = ROOT / "deploy/local/config"
# Where it listens and keeps its data is what a container changes; nothing else may differ.
PLACES = {
    "process.roles", "node.id", "controller.quorum.voters", "listeners", "advertised.listeners",
    "listener.security.protocol.map", "controller.listener.names", "inter.broker.listener.name", "log.dirs",
}  # fmt: skip
SERVER_PLACES = {"listen_addresses", "port", "unix_socket_directories"}


def services() -> Node:
    return dict(load(FOLDER / "compose.yaml")["services"])


@pytest.mark.parametrize("name", FILES)
def test_it_is_right_by_the_specification(name: str) -> None:
    assert [error.message for error in schema().iter_errors(load(FOLDER / name))] == []


def test_the_schema_refuses_what_is_no_word_of_it() -> None:
    document = load(FOLDER / "compose.yaml")
    document["services"]["kafka"]["read_ony"] = True
    assert [error.message for error in schema().iter_errors(document)] != []


def test_every_policy_is_kept() -> None:
    assert list(violations(load(FOLDER / "compose.yaml"))) == []


def test_what_the_test_file_adds_keeps_every_policy_too() -> None:
    added = {name: body for name, body in load(FOLDER / "compose.test.yaml")["services"].items() if "image" in body}
    assert list(violations({"services": added})) == []
    assert list(added) == ["verify"]


# One change of a service that keeps every policy, for each policy: what must be refused.
BROKEN: dict[str, Node] = {
    "the image has a version, and not latest": {"image": "apache/kafka:latest"},
    "runs as a numbered user that is not root": {"user": "0:0"},
    "the root file system is read-only": {"read_only": False},
    "every capability is dropped": {"cap_add": ["NET_ADMIN"]},
    "gains no privileges": {"security_opt": []},
    "ports are published on loopback alone": {"ports": ["9092:9092"]},
    "processor, memory and processes are limited": {"deploy": {"resources": {"limits": {"cpus": "1"}}}},
    "secrets are files": {"environment": {"POSTGRES_PASSWORD": "x"}},
    "shares nothing of the host": {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]},
    "has a health check": {"healthcheck": None},
}


@pytest.mark.parametrize("policy", POLICIES)
def test_what_breaks_a_policy_is_refused_by_it_alone(policy: str) -> None:
    body = {**deepcopy(service("kafka")), **BROKEN[policy]}
    if body["healthcheck"] is None:
        del body["healthcheck"]
    assert list(violations({"services": {"kafka": body}})) == [f"kafka: not so: {policy}"]


def test_kafka_is_told_what_the_native_one_is() -> None:
    native = properties((NATIVE / "server.properties").read_text())
    composed = kafka_properties(service("kafka")["environment"])
    assert {k: v for k, v in composed.items() if k not in PLACES} == {
        k: v for k, v in native.items() if k not in PLACES
    }
    assert set(composed) == set(native)


def test_the_database_is_told_what_the_native_one_is() -> None:
    native = properties((NATIVE / "postgresql.conf").read_text())
    composed = properties((FOLDER / "postgresql.conf").read_text())
    assert {k: v for k, v in native.items() if k not in SERVER_PLACES} == {
        k: v for k, v in composed.items() if k not in SERVER_PLACES
    }


def test_versions_are_the_native_ones() -> None:
    assert service("kafka")["image"] == f"apache/kafka:{kafka.VERSION}"
    major = re.search(r"/(\d+)/", str(timescaledb.BINARIES))
    assert major is not None
    assert service("timescaledb")["image"].endswith(f"-pg{major[1]}")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_a_service_on_the_native_port(part: str) -> None:
    (published,) = service(part)["ports"]
    assert published.startswith(f"127.0.0.1:{DEFAULTS[part]}:")


def test_the_controller_listens_where_the_native_one_does() -> None:
    assert f"CONTROLLER://localhost:{DEFAULTS['controller']}" in service("kafka")["environment"]["KAFKA_LISTENERS"]


def test_no_two_services_want_the_same_port() -> None:
    wanted = [port.split(":")[1] for body in services().values() for port in body.get("ports", ())]
    assert sorted(set(wanted)) == sorted(wanted)


def test_the_test_file_takes_no_port_of_the_real_one() -> None:
    def taken(name: str) -> set[str]:
        bodies = load(FOLDER / name)["services"].values()
        return {port.split(":")[1] for body in bodies for port in body.get("ports", ())}

    assert taken("compose.yaml") & taken("compose.test.yaml") == set()
    assert len(taken("compose.yaml")) == len(taken("compose.test.yaml"))


def ours() -> Node:
    return {name: body for name, body in services().items() if "QUAYSTREAM_IMAGE" in body["image"]}


def test_our_services_use_settings_that_exist() -> None:
    known = {variable(name) for name in Settings.model_fields}
    used = {name for body in ours().values() for name in body["environment"] if name.startswith("QUAYSTREAM_")}
    assert sorted(used - known) == []
    assert variable("database_password_file") in used


@pytest.mark.parametrize("name", ["worker", "migrate", "gateway", "simulator"])
def test_their_values_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in ours()[name]["environment"].items():
        monkeypatch.setenv(key, value)
    Settings()


def test_every_secret_a_service_reads_is_mounted_into_it() -> None:
    for name, body in services().items():
        mounted = {one if isinstance(one, str) else one["target"] for one in body.get("secrets", ())}
        read = {Path(v).name for v in body.get("environment", {}).values() if v.startswith("/run/secrets/")}
        assert read <= mounted, name


def test_the_secrets_that_are_made_are_those_that_are_mounted() -> None:
    assert sorted(passwords.NAMES) == sorted(load(FOLDER / "compose.yaml")["secrets"])
    assert set(ROLES) < set(passwords.NAMES)


def test_secrets_are_made_once_and_only_their_owner_gets_into_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = passwords.create(folder)
    assert [file.name for file in made] == list(passwords.NAMES)
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {file: file.read_text() for file in made}
    assert passwords.create(folder) == []
    assert {file: file.read_text() for file in made} == before
    assert len(set(before.values())) == len(passwords.NAMES)


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write secrets to"):
        passwords.create(tmp_path / "file" / "secrets")


def test_a_worker_has_twice_its_longest_transaction_to_end() -> None:
    grace: Any = parse_span(f"{int(service('worker')['stop_grace_period'].rstrip('s'))}s")
    assert grace.total_seconds() > 2 * COMMAND_TIMEOUT_S


def test_grafana_has_what_its_provisioning_asks_for() -> None:
    texts = [file.read_text() for file in (ROOT / "deploy/monitoring/grafana/provisioning").rglob("*.yaml")]
    asked = {name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)}
    files = {name for text in texts for name in re.findall(r"\$__file\{/run/secrets/(\w+)\}", text)}
    body = service("grafana")
    assert asked == {name for name in body["environment"] if not name.startswith("GF_")}
    assert files <= {one if isinstance(one, str) else one["target"] for one in body["secrets"]}


def test_everything_mounted_from_the_repository_is_there() -> None:
    document = load(FOLDER / "compose.yaml")
    sources = [v.split(":")[0] for body in services().values() for v in body.get("volumes", ()) if v.startswith(".")]
    sources += [config["file"] for config in document["configs"].values()]
    assert [source for source in sources if not (FOLDER / source).exists()] == []


def test_workers_are_scraped_by_the_job_the_rules_speak_of() -> None:
    jobs = {job["job_name"] for job in yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]}
    native = re.findall(r"job_name: ([\w-]+)", (NATIVE / "prometheus.yaml").read_text())
    # There is no board among the containers.
    assert set(native) - {"quaystream-board"} <= jobs


def test_only_what_listens_on_loopback_leaves_the_inner_network() -> None:
    assert {name for name, body in services().items() if "front" in body["networks"]} == {
        name for name, body in services().items() if "ports" in body
    }
    networks = load(FOLDER / "compose.yaml")["networks"]
    assert networks["inside"] == {"internal": True}
    assert networks["front"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_a_database_that_does_not_answer_the_roles_is_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in passwords.NAMES:
        (tmp_path / name).write_text("p@ss\n")
    monkeypatch.setattr(roles, "SECRETS", tmp_path)
    monkeypatch.setenv("ROLES_SERVER", f"127.0.0.1:{free_port()}")
    assert roles.superuser_url("postgres").startswith("postgresql://postgres:p%40ss@127.0.0.1:")  # not a secret
    assert roles.main() == 3
    assert "the database does not answer" in capsys.readouterr().err


def test_a_secret_that_is_not_there_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SECRETS", tmp_path)
    monkeypatch.setenv("ROLES_SERVER", "127.0.0.1:5432")
    assert roles.main() == 2
