"""Checks the Helm chart with Helm's own library, and what it renders with Kubernetes' own schemas.

usage: helm.py CHART

Each file in the chart's folder `ci` is one set of values. No cluster is asked.
"""

import pathlib
import sys

import helm_python
import kubernetes_validate
import yaml

# The oldest that the chart says it is for, and one of today.
KUBERNETES = ["1.25", "1.34"]

# Values that must be refused, and a word of the reason.
REFUSED = [
    ({}, "image.repository"),
    ({"image": {"repository": "x"}}, "settings is missing"),
    ({"image": {"repository": "x"}, "settings": "client_secret = 's'"}, "settings"),
    ({"image": {"repository": "x", "digest": "latest"}, "settings": "x"}, "digest"),
    ({"image": {"repository": "x"}, "settings": "x", "replicas": 2}, "replicas"),
    ({"image": {"repository": "x"}, "settings": "x", "ingress": {"enabled": True}}, "ingress.hosts"),
]

# Resources of which Kubernetes itself has no schema.
FOREIGN = {"ServiceMonitor"}


def main(folder: pathlib.Path) -> int:
    findings = []
    chart = helm_python.Chart.load(folder)
    print(f"Helm {helm_python.helm_sdk_version()}, chart {chart.name} {chart.version}")
    for path in sorted((folder / "ci").glob("*.yaml")):
        values = yaml.safe_load(path.read_text())
        before = len(findings)
        findings += [f"{path.name}: {text}" for text in linted(folder, values)]
        manifests = rendered(chart, values)
        for name, manifest in manifests:
            findings += [f"{path.name}: {name}: {text}" for text in against_schemas(manifest)]
        findings += [f"{path.name}: {text}" for text in hardened(manifests)]
        kinds = ", ".join(sorted(manifest["kind"] for _, manifest in manifests))
        print(f"{path.name}: {kinds}: {len(findings) - before} findings")
    for values, word in REFUSED:
        findings += refused(chart, values, word)
    print(f"{len(REFUSED)} sets of values that must be refused: {'yes' if not findings else 'see below'}")
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


def linted(folder, values):
    report = helm_python.lint(str(folder), values, strict=True)
    # 1 is information: that the chart has no icon.
    said = [message for message in report["messages"] if message["severity"] > 1]
    return [f"{message['path']}: {message['error']}" for message in said]


def rendered(chart, values):
    chart.validate_schema(values)
    texts = chart.render(values, name="test", namespace="reports")
    manifests = []
    for name, text in sorted(texts.items()):
        if name.endswith("NOTES.txt"):
            continue
        manifests += [(name, one) for one in yaml.safe_load_all(text) if one]
    return manifests


def against_schemas(manifest):
    if manifest["kind"] in FOREIGN:
        return
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {error.message}"


def hardened(manifests):
    """What the Pod security standard `restricted` asks for, and what this program needs beyond it."""
    (deployment,) = [one for _, one in manifests if one["kind"] == "Deployment"]
    spec = deployment["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    rights = container["securityContext"]
    for what, holds in {
        "one replica": spec["replicas"] == 1 and spec["strategy"] == {"type": "Recreate"},
        "not root": pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0,
        "seccomp": pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"},
        "no more rights": rights["allowPrivilegeEscalation"] is False,
        "no capabilities": rights["capabilities"] == {"drop": ["ALL"]},
        "a read-only root": rights["readOnlyRootFilesystem"] is True,
        "no account token": pod["automountServiceAccountToken"] is False,
        "no host path": all("hostPath" not in volume for volume in pod["volumes"]),
        "a memory limit": "memory" in container["resources"]["limits"],
    }.items():
        if not holds:
            yield f"the Deployment lacks {what}"


def refused(chart, values, word):
    try:
        rendered(chart, values)
    except helm_python.HelmError as error:
        return [] if word in str(error) else [f"{values}: refused with `{error}`, not for `{word}`"]
    return [f"{values}: not refused"]


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
