"""The overlays: rendered, right by Kubernetes' own schemas, kept by every policy, and no drift from what they follow."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from connectors.edge.config import load_config
from deploy.k8s import generate
from deploy.k8s.crds import definitions, faults, undefined
from deploy.k8s.crds.trim import FOLDER as DEFINED
from deploy.k8s.crds.trim import trimmed
from deploy.k8s.policy import POLICIES, violations
from deploy.k8s.render import FOLDER, OVERLAYS, Manifest, render
from deploy.local import kafka
from deploy.local.roles import EXTENSIONS, ON_DATABASE, ROLES
from deploy.principals import load_principals
from schemas.errors import ConfigurationError
from schemas.topics import load_topics
from streams.settings import Settings, variable
from tests.support.composed import properties
from tests.support.documents import ROOT
from tests.support.manifests import BROKEN, find, overlay
from tests.support.rules import alerts

KUBERNETES = "1.37"
CORE = ("v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1")
NATIVE = ROOT / "deploy/local/config"
CONFIGURATIONS = [*sorted(FOLDER.glob("overlays/*/gateways/*/gateway.toml")), ROOT / "deploy/compose/gateway.toml"]


def of_core(manifests: list[Manifest]) -> list[Manifest]:
    return [one for one in manifests if one["apiVersion"] in CORE]


def ours(manifests: list[Manifest]) -> Iterator[dict[str, Any]]:
    """The containers of our own programs."""
    for one in manifests:
        if one["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield from one["spec"]["template"]["spec"]["containers"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_core_kinds_are_right_by_kubernetes_own_schemas(name: str) -> None:
    core = of_core(overlay(name))
    assert {"Deployment", "Job", "NetworkPolicy", "StatefulSet"} <= {one["kind"] for one in core}
    for one in core:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_the_schemas_refuse_what_is_no_word_of_theirs() -> None:
    worker = find(overlay("single"), "Deployment", "worker")
    worker["spec"]["template"]["spec"]["automountToken"] = False
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(worker, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_policy_is_kept(name: str) -> None:
    assert violations(overlay(name)) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_what_breaks_a_policy_is_refused_by_it_alone(policy: str) -> None:
    change, name = BROKEN[policy]
    manifests = overlay("port-cluster")
    change(manifests)
    assert violations(manifests) == [f"{name}: not so: {policy}"]


@pytest.mark.parametrize(
    "peer",
    [
        {"ipBlock": {"cidr": "192.0.2.7/32"}},
        {"namespaceSelector": {}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "plc"}}},
    ],
)
def test_there_is_no_way_back_to_the_equipment(peer: dict[str, Any]) -> None:
    manifests = overlay("port-cluster")
    policy = find(manifests, "NetworkPolicy", "gateway-01")
    policy["spec"]["egress"].append({"to": [peer], "ports": [{"protocol": "TCP", "port": 502}]})
    assert "NetworkPolicy/gateway-01: not so: our pods speak to Kafka and the database alone" in violations(manifests)


def test_generated_manifests_are_up_to_date() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in generate.generated()} == dict(generate.generated())


def test_every_declared_topic_is_a_topic_of_the_cluster() -> None:
    made = {one["metadata"]["name"]: one["spec"] for one in overlay("port-cluster") if one["kind"] == "KafkaTopic"}
    declared = load_topics()
    assert set(made) == set(declared)
    for name, spec in made.items():
        assert spec["partitions"] == declared[name].partitions
        assert spec["replicas"] == declared[name].replication
        assert spec["config"] == dict(declared[name].config)


def test_the_worker_may_do_what_it_must_at_the_brokers() -> None:
    user = find(overlay("port-cluster"), "KafkaUser", "worker")
    rights = {acl["resource"]["name"]: set(acl["operations"]) for acl in user["spec"]["authorization"]["acls"]}
    for name, topic in load_topics().items():
        assert rights.pop(name) == {"Write" if topic.is_dead_letters else "Read", "Describe"}
    assert rights == {Settings.model_fields["group"].default: {"Read", "Describe"}}


@pytest.mark.parametrize("name", ["gateway-01", "gateway-02"])
def test_a_gateway_may_do_what_it_may_on_the_local_stack(name: str) -> None:
    acls = find(overlay("port-cluster"), "KafkaUser", name)["spec"]["authorization"]["acls"]
    assert acls == [generate.acl(right) for right in load_principals()[name].rights]


def test_every_alert_is_in_the_rule() -> None:
    groups = find(overlay("port-cluster"), "PrometheusRule", "quaystream")["spec"]["groups"]
    names = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert names == {alert.name for alert in alerts()}


def test_every_dashboard_is_in_the_cluster() -> None:
    boards = find(overlay("port-cluster"), "ConfigMap", "dashboards")["data"]
    assert sorted(boards) == sorted(
        file.name for file in (ROOT / "deploy/monitoring/grafana/dashboards").glob("*.json")
    )


def test_pods_are_scraped_by_the_jobs_the_rules_speak_of() -> None:
    monitors = [one for one in overlay("single") if one["kind"] == "PodMonitor"]
    jobs = {one["spec"]["podMetricsEndpoints"][0]["relabelings"][0]["replacement"] for one in monitors}
    assert jobs == {"quaystream-worker", "quaystream-gateway"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_our_containers_use_settings_that_exist_and_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {variable(field) for field in Settings.model_fields}
    shared = find(overlay(name), "ConfigMap", "settings")["data"]
    for container in ours(overlay(name)):
        given = shared | {one["name"]: one["value"] for one in container["env"]}
        assert sorted(set(given) - known) == [], container["name"]
        with monkeypatch.context() as patch:
            for key, value in given.items():
                patch.setenv(key, value)
            Settings()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_file_a_container_is_told_of_is_mounted(name: str) -> None:
    for container in ours(overlay(name)):
        mounts = [f"{mount['mountPath']}/*" for mount in container["volumeMounts"]]
        told = [one["value"] for one in container["env"] if one["name"].endswith("_FILE")]
        assert [path for path in told if not any(fnmatch(path, mount) for mount in mounts)] == [], container["name"]


def test_every_gateway_is_another_with_secrets_and_an_account_of_its_own() -> None:
    manifests = overlay("port-cluster")
    gateways = [one for one in manifests if one["kind"] == "StatefulSet"]
    assert [one["metadata"]["name"] for one in gateways] == ["gateway-01", "gateway-02"]
    for gateway in gateways:
        number = gateway["metadata"]["name"].removeprefix("gateway-")
        volumes = {volume["name"]: volume for volume in gateway["spec"]["template"]["spec"]["volumes"]}
        assert volumes["kafka"]["secret"]["secretName"] == f"gateway-{number}"
        assert volumes["keys"]["secret"]["secretName"] == f"keys-{number}"
        assert find(manifests, "KafkaUser", f"gateway-{number}")
        config = find(manifests, "ConfigMap", f"gateway-{number}")["data"]
        assert config["username"] == f"gateway-{number}"
        assert tomllib.loads(config["gateway.toml"])["source"].endswith(f"/gw-{number}")


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.relative_to(ROOT / "deploy").as_posix())
def test_what_a_gateway_reads_is_a_right_configuration(file: Path, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for secret in re.findall(r'"(/run/secrets/.+)"', text):
        copy = tmp_path / secret.replace("/", "-")
        copy.write_text("secret")
        text = text.replace(secret, str(copy))
    (tmp_path / "gateway.toml").write_text(text)
    config = load_config(tmp_path / "gateway.toml")
    assert [source.kind for source in config.sources] == ["http"]
    assert config.spool.path == Path("/var/lib/quaystream/spool.db")


def test_the_database_is_given_what_the_local_one_is() -> None:
    bootstrap = find(overlay("single"), "Cluster", "quaystream-db")["spec"]["bootstrap"]["initdb"]
    extensions = [f"CREATE EXTENSION IF NOT EXISTS {name}" for name in EXTENSIONS]
    assert bootstrap["postInitApplicationSQL"] == [*extensions, *ON_DATABASE]
    made = {bootstrap["owner"], *(line.split()[2] for line in bootstrap["postInitSQL"])}
    assert made == {f"quaystream_{role}" for role in ROLES}


def test_on_one_machine_the_database_is_told_what_the_local_one_is() -> None:
    native = properties((NATIVE / "postgresql.conf").read_text())
    told = find(overlay("single"), "Cluster", "quaystream-db")["spec"]["postgresql"]["parameters"]
    both = set(native) & set(told)
    assert {name: told[name] for name in both} == {name: native[name] for name in both}
    # What the operator does not let anybody set, or sets itself.
    assert set(native) - both == {
        "listen_addresses", "port", "unix_socket_directories", "shared_preload_libraries", "fsync", "full_page_writes",
        "log_destination", "log_line_prefix",
    }  # fmt: skip


def test_kafka_is_the_local_version_and_told_the_same_limits() -> None:
    spec = find(overlay("single"), "Kafka", "quaystream")["spec"]["kafka"]
    assert spec["version"] == kafka.VERSION
    native = properties((NATIVE / "server.properties").read_text())
    both = set(native) & set(spec["config"])
    assert {name: str(spec["config"][name]).lower() for name in both} == {name: native[name] for name in both}
    assert {"auto.create.topics.enable", "message.max.bytes", "replica.fetch.max.bytes"} <= both


def test_the_scaler_scales_our_worker_and_alone_says_how_many() -> None:
    manifests = overlay("port-cluster")
    (scaler,) = [one["spec"] for one in manifests if one["kind"] == "ScaledObject"]
    worker = find(manifests, "Deployment", scaler["scaleTargetRef"]["name"])
    assert "replicas" not in worker["spec"]
    assert worker["metadata"]["name"] == "worker"


KNOWN = definitions(sorted(DEFINED.glob("*.yaml")))


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_operator_gets_what_it_defines(name: str) -> None:
    manifests = overlay(name)
    assert [*undefined(manifests, KNOWN), *faults(manifests, KNOWN)] == []


def test_every_definition_that_is_kept_is_used() -> None:
    used = {(one["apiVersion"], one["kind"]) for one in overlay("port-cluster")}
    assert {kind for _, kind in KNOWN} == {kind for place in KNOWN for kind in [place[1]] if place in used}


@pytest.mark.parametrize("kind", sorted({kind for _, kind in KNOWN}))
def test_each_kind_is_refused_with_a_field_that_its_operator_does_not_know(kind: str) -> None:
    (broken, *_) = [one for one in overlay("port-cluster") if one["kind"] == kind]
    broken["spec"]["replicaz"] = 3
    (told,) = faults([broken], KNOWN)
    assert told.startswith(f"{kind}/")
    assert "replicaz" in told


def test_a_wrong_type_is_refused_too() -> None:
    pool = find(overlay("single"), "KafkaNodePool", "brokers")
    pool["spec"]["replicas"] = "three"
    assert list(faults([pool], KNOWN)) == ["KafkaNodePool/brokers: spec.replicas: 'three' is not of type 'integer'"]


def test_a_kind_without_a_definition_is_told() -> None:
    manifests = [{"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaBridge", "metadata": {"name": "b"}}]
    assert list(undefined(manifests, KNOWN)) == ["KafkaBridge/b: no definition of kafka.strimzi.io/v1 KafkaBridge"]


def test_what_a_definition_says_of_fields_survives_its_trimming() -> None:
    schema = {
        "type": "object",
        "description": "a text",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"description": {"type": "string", "maxLength": 9, "description": "x"}},
            },
            "status": {"type": "object"},
        },
    }
    versions = [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}}, {"name": "v0", "served": False}]
    full = {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "names": {"kind": "Thing", "plural": "things"}, "versions": versions},
    }
    (kept,) = trimmed(full)["spec"]["versions"]
    wanted = {"type": "object", "properties": {"description": {"type": "string", "maxLength": 9}}}
    assert kept["schema"]["openAPIV3Schema"] == {"type": "object", "properties": {"spec": wanted}}


DEFINITION = """
kind: CustomResourceDefinition
spec:
  group: kafka.strimzi.io
  names: {kind: KafkaUser}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            apiVersion: {type: string}
            kind: {type: string}
            spec:
              type: object
              properties:
                authentication: {type: object, properties: {type: {type: string, enum: [tls]}}}
                authorization: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {}}
"""


def test_a_field_that_an_operator_does_not_know_is_told(tmp_path: Path) -> None:
    (tmp_path / "crds.yaml").write_text(DEFINITION)
    known = definitions([tmp_path / "crds.yaml"])
    manifests = overlay("port-cluster")
    assert sorted(line.split(": ")[0] for line in faults(manifests, known)) == [
        "KafkaUser/gateway-01", "KafkaUser/gateway-01", "KafkaUser/gateway-02", "KafkaUser/gateway-02",
    ]  # fmt: skip
    assert list(faults([find(manifests, "KafkaUser", "worker")], known)) == []


def test_an_overlay_that_cannot_be_rendered_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nothing.yaml]\n")
    with pytest.raises(ConfigurationError, match="accumulating resources"):
        render(tmp_path)


def test_the_base_can_be_applied_as_it_is() -> None:
    assert {one["kind"] for one in render(FOLDER / "base")} >= {"Namespace", "Deployment", "Job", "NetworkPolicy"}
    assert yaml.safe_load((FOLDER / "base/kustomization.yaml").read_text())["namespace"] == "quaystream"
