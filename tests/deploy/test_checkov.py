"""checkov refuses what it is there to refuse, and keeps quiet only about what is named with a reason."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.documents import ROOT

FOLDER = ROOT / "deploy/k8s"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: open, namespace: quaystream}
spec:
  hostNetwork: true
  containers:
    - name: open
      image: quaystream:latest
      securityContext: {privileged: true, allowPrivilegeEscalation: true}
"""
# Shares the host's network, is privileged, may gain privileges, has no version, runs as whoever, has no limit, may write.
REFUSED = {"CKV_K8S_19", "CKV_K8S_16", "CKV_K8S_20", "CKV_K8S_14", "CKV_K8S_23", "CKV_K8S_13", "CKV_K8S_22"}


@pytest.mark.timeout(900)
def test_an_open_pod_is_refused_check_by_check(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    said = subprocess.run(
        ["sh", FOLDER / "checkov.sh", tmp_path / "pod.yaml"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1, said.stderr
    assert set(re.findall(r"^Check: (\w+):", said.stdout, re.MULTILINE)) >= REFUSED


def test_every_exception_stands_under_its_reason() -> None:
    text = (FOLDER / "checkov.yaml").read_text(encoding="utf-8")
    excepted = yaml.safe_load(text)["skip-check"]
    assert re.findall(r"^  # \S.*\n  - (\w+)$", text, re.MULTILINE) == excepted
    assert len(excepted) == len(set(excepted)) == 4
