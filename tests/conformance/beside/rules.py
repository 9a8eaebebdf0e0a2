"""The rules for the rows of the README's table, in its order."""

from kdns.wire import codes
from tests.conformance.beside.compare import Pair, Said
from tests.conformance.beside.known import (
    ALL,
    DATA,
    Rule,
    is_empty,
    is_reverse,
    kind,
    may_hit,
    mixed_case,
    name,
    relative,
    same_but_case,
    without_echo,
)

RCODE = frozenset({"rcode"})
EDNS = frozenset({"edns"})


def _falls_through(said: Said) -> bool:
    """Whether a reply is a denial, or that of whoever was asked instead."""
    return said.rcode in ("NXDOMAIN", "SERVFAIL") or "aa" not in said.flags


def _is_denied_name(pair: Pair) -> bool:
    there = relative(pair)
    if there is None or not is_empty(pair.ours) or not _falls_through(pair.theirs):
        return False
    return there in ("dns-version", "dns", "ns.dns") or (kind(pair) == "TXT" and there.count(".") < 2)


def _is_soa_below(pair: Pair) -> bool:
    return kind(pair) == "SOA" and is_empty(pair.theirs) and "aa" in pair.theirs.flags and _falls_through(pair.ours)


def _is_own_name(pair: Pair) -> bool:
    there = relative(pair)
    return name(pair) == "ns.dns." or (mixed_case(pair) and (there == "ns.dns" or (kind(pair) == "NS" and there == "")))


def _is_pod(pair: Pair) -> bool:
    labels = (relative(pair) or "").split(".")
    if labels[-1] != "pod":
        return False
    if len(labels) > 3:
        return _falls_through(pair.ours)
    if kind(pair) == "SRV":
        return is_empty(pair.ours)
    return pair.ours.rcode == "NOERROR" and pair.theirs.rcode == "NXDOMAIN"


def _is_import_without_ports(pair: Pair) -> bool:
    return name(pair).startswith("noports.") and name(pair).endswith(".svc.clusterset.local.")


def _finds_too_much(pair: Pair) -> bool:
    nibbles = name(pair).removesuffix(".ip6.arpa.").split(".")
    mapped = nibbles[8:12] == ["f"] * 4 and set(nibbles[12:]) == {"0"}
    return name(pair).endswith(".ip6.arpa.") and (len(nibbles) > 32 or mapped)


def _is_hidden(pair: Pair) -> bool:
    spaces = {line.data.split(".svc.")[0].rpartition(".")[2] for line in pair.theirs.lines if line.kind == "PTR"}
    hidden = {"gone"} | ({"kube-system", "payments"} if pair.setup.name == "namespace_labels" else set())
    return kind(pair) == "PTR" and _falls_through(pair.ours) and bool(spaces) and spaces <= hidden


def _is_class_or_notify(pair: Pair) -> bool:
    other_class = "class" in pair.row.given and pair.ours.rcode == "REFUSED"
    return other_class or (pair.row.given.get("opcode") == "NOTIFY" and pair.ours.rcode == "NOTIMP")


def _is_external(pair: Pair) -> bool:
    return "k8s_external" in pair.setup.plugins and name(pair).endswith(".ext.example.")


def _is_alias_of_file(pair: Pair) -> bool:
    owners = {line.owner.lower() for line in pair.ours.lines if line.kind == "CNAME"}
    return name(pair) in owners and name(pair).endswith(".zone.test.")


def _asks_name(pair: Pair) -> bool:
    return any(option["code"] == codes.NSID for option in (pair.row.given.get("edns") or {}).get("options", ()))


RULES = (
    Rule("TXT at the apex", DATA | {"flags"}, _is_denied_name),
    Rule("SOA at a name that does not exist", DATA | {"flags"}, _is_soa_below),
    Rule("apex NS and `ns.dns`", DATA, _is_own_name),
    Rule(
        "other types at a reverse name with a PTR",
        RCODE,
        lambda pair: is_reverse(pair) and is_empty(pair.ours) and pair.theirs.rcode == "NXDOMAIN",
    ),
    Rule(
        "PTR for an address of a slice without Service",
        ALL,
        lambda pair: kind(pair) == "PTR" and is_reverse(pair) and pair.theirs.rcode == "no reply",
    ),
    Rule("33 to 35 nibbles", DATA | {"flags"}, _finds_too_much),
    Rule("glue of NS is repeated", DATA, lambda pair: kind(pair) == "NS" and relative(pair) == ""),
    Rule("glue of NS is repeated", DATA, lambda pair: "bind" in pair.setup.plugins and relative(pair) == "ns.dns"),
    Rule("`_._tcp.SERVICE`", DATA | {"flags"}, lambda pair: "_" in name(pair).split(".")),
    Rule("pods: extra labels are ignored", DATA, _is_pod),
    Rule(
        "ExternalName behind which an upstream says SERVFAIL",
        RCODE | {"ttl"},
        lambda pair: (pair.ours.rcode, pair.theirs.rcode) == ("SERVFAIL", "NOERROR") and "aa" in pair.ours.flags,
    ),
    # It looks that alias up, and so has the root in its cache.
    Rule("a ClusterIP that is not assigned yet", frozenset({"flags", "ttl"}), lambda pair: name(pair) == "."),
    Rule(
        "a ClusterIP that is not assigned yet",
        DATA,
        lambda pair: any((line.kind, line.data) == ("CNAME", ".") for line in pair.theirs.lines),
    ),
    Rule(
        "`namespace_labels`, and that a namespace is gone",
        DATA | {"flags"},
        _is_hidden,
    ),
    Rule("a ServiceImport without ports", DATA, _is_import_without_ports),
    Rule("classes other than IN are answered", ALL, _is_class_or_notify),
    Rule("EDNS: Z bits", EDNS, without_echo),
    Rule(
        "answers of the cluster zone sit in `cache`",
        frozenset({"ttl"}),
        lambda pair: may_hit(pair) and "aa" in pair.ours.flags,
    ),
    Rule("cached replies keep the letter case", DATA - RCODE, lambda pair: may_hit(pair) and same_but_case(pair)),
    Rule(
        "denials to queries without RD",
        frozenset({"flags", "ttl"}),
        lambda pair: may_hit(pair) and not pair.row.given.get("rd", True) and "aa" not in pair.ours.flags,
    ),
    Rule(
        "`autopath`: the search suffix itself",
        DATA | {"flags"},
        lambda pair: "autopath" in pair.setup.plugins and pair.theirs.rcode == "SERVFAIL" and is_empty(pair.ours),
    ),
    Rule("`k8s_external`", DATA | {"flags"}, lambda pair: _is_external(pair) and name(pair).startswith("x.")),
    Rule("`k8s_external`", frozenset({"ttl"}), _is_external),
    Rule("`transfer`", ALL, lambda pair: kind(pair) in ("AXFR", "IXFR")),
    Rule("`dns64`: an alias", RCODE | {"flags"}, lambda pair: "dns64" in pair.setup.plugins and kind(pair) == "AAAA"),
    Rule("`dns64`: an alias", EDNS, lambda pair: {"nsid", "minimal"} <= pair.setup.plugins and _asks_name(pair)),
    Rule("`file`: aliases", DATA, _is_alias_of_file),
    Rule("BADVERS says size 0", EDNS, lambda pair: pair.ours.rcode == pair.theirs.rcode == "BADVERS"),
)
