"""Renders the subset of kustomize that deploy/kubernetes keeps to: resources, patches, labels, namespace, images.

It refuses whatever else a kustomization may say, so that nothing is silently left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Resource = dict[str, Any]

KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "labels", "patches"}
SELECTING = {
    "Deployment": ("spec", "selector", "matchLabels"),
    "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
}
CLUSTER_WIDE = {"Namespace"}


def render(folder: Path) -> list[Resource]:
    """Return the resources of a kustomization."""
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(said) <= KNOWN, f"{folder}: this renderer does not know {set(said) - KNOWN}"
    found = [one for name in said["resources"] for one in _read(folder / name)]
    for patch in said.get("patches", ()):
        chosen = [one for one in found if _is(one, patch["target"])]
        assert chosen, f"{folder}: no resource is {patch['target']}"
        for one in chosen:
            for change in yaml.safe_load(patch["patch"]):
                _change(one, change)
    for one in found:
        for label in said.get("labels", ()):
            assert label["includeSelectors"]
            _label(one, label["pairs"])
        if "namespace" in said and one["kind"] not in CLUSTER_WIDE:
            one["metadata"]["namespace"] = said["namespace"]
        for image in said.get("images", ()):
            _name_image(one, image)
    return found


def _read(place: Path) -> list[Resource]:
    if place.is_dir():
        return render(place)
    # Written and read again, since an alias in YAML is one object in two places.
    return [yaml.safe_load(yaml.dump(one, Dumper=_Plain)) for one in yaml.safe_load_all(place.read_text()) if one]


class _Plain(yaml.SafeDumper):
    """Writes what two places share twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is(resource: Resource, target: dict[str, str]) -> bool:
    return resource["kind"] == target["kind"] and resource["metadata"]["name"] == target["name"]


def _change(resource: Resource, change: dict[str, Any]) -> None:
    """Apply one operation of RFC 6902."""
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in change["path"].split("/")[1:]]
    node: Any = resource
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if isinstance(node, list):
        assert change["op"] == "add"
        assert last == "-"
        node.append(change["value"])
        return
    assert change["op"] in {"add", "replace"}
    assert change["op"] == "add" or last in node, f"nothing to replace at {change['path']}"
    node[last] = change["value"]


def _label(resource: Resource, pairs: dict[str, str]) -> None:
    resource["metadata"].setdefault("labels", {}).update(pairs)
    node = resource
    for part in SELECTING.get(resource["kind"], ()):
        node = node[part]
    if resource["kind"] in SELECTING:
        node.update(pairs)
    if resource["kind"] == "Deployment":
        resource["spec"]["template"]["metadata"]["labels"].update(pairs)


def _name_image(resource: Resource, image: dict[str, str]) -> None:
    pod = resource.get("spec", {}).get("template", {}).get("spec", {})
    for container in [*pod.get("initContainers", ()), *pod.get("containers", ())]:
        if container["image"] == image["name"]:
            container["image"] = f"{image['newName']}:{image['newTag']}"
