"""From the `options` of a row to the Corefile that sets a server up for it (see the head of `cases.yaml`)."""

from collections.abc import Mapping
from typing import Any

_WORDS = ("pods", "ttl", "labels", "namespace_labels")
_LISTS = ("namespaces", "fallthrough", "multicluster")
_FLAGS = {
    "endpoint_pod_names": "endpoint_pod_names",
    "noendpoints": "noendpoints",
    "zonal": "zonal",
    "ignore_empty_service": "ignore empty_service",
}
DEFAULT_ZONES = ("cluster.local", "in-addr.arpa", "ip6.arpa")


def corefile(options: Mapping[str, Any], api: str, upstream: str) -> str:
    """The Corefile; `api` is the API server's URL, `upstream` the stub resolver's address."""
    if "corefile" in options:
        return str(options["corefile"]).replace("${API}", api).replace("${UPSTREAM}", upstream)
    lines = ["errors", *_neighbours(options), *_kubernetes(options, api)]
    if options.get("upstream", True):
        lines.append(f"forward . {upstream}")
    body = "\n".join(f"    {line}" for line in lines)
    return f".:53 {{\n{body}\n}}\n"


def plugins(options: Mapping[str, Any]) -> set[str]:
    """Words beyond the default ones that these options need."""
    return {word for word in ("autopath", "transfer", "k8s_external") if options.get(word)}


def _kubernetes(options: Mapping[str, Any], api: str) -> list[str]:
    zones = " ".join(options.get("zones", DEFAULT_ZONES))
    lines = [f"kubernetes {zones} {{", f"    endpoint {api}"]
    lines += [f"    {word} {options[word]}" for word in _WORDS if word in options]
    lines += [f"    {word} {' '.join(options[word])}".rstrip() for word in _LISTS if word in options]
    lines += [f"    {line}" for word, line in _FLAGS.items() if options.get(word)]
    return [*lines, "}"]


def _neighbours(options: Mapping[str, Any]) -> list[str]:
    lines = []
    if "bind" in options:
        lines.append(f"bind {' '.join(options['bind'])}")
    if options.get("autopath"):
        lines.append("autopath @kubernetes")
    if options.get("transfer"):
        lines += ["transfer {", "    to *", "}"]
    external = options.get("k8s_external")
    if external:
        lines.append(f"k8s_external {' '.join(external['zones'])} {{")
        lines += [f"    {word} {external[word]}" for word in ("apex", "ttl") if word in external]
        lines += ["    headless"] if external.get("headless") else []
        lines += [f"    fallthrough {' '.join(external['fallthrough'])}".rstrip()] if "fallthrough" in external else []
        lines.append("}")
    return lines
