"""What `explained.yaml` names under `where`: each tells from a question and its two replies whether a reason holds."""

from functools import cache

from kdns.wire import codes
from tests.conformance.beside.asking import AXFR
from tests.conformance.beside.compare import Pair, Said
from tests.conformance.beside.known import (
    is_empty,
    is_reverse,
    kind,
    may_hit,
    mixed_case,
    name,
    options,
    relative,
    same_but_case,
    served_by,
)
from tests.conformance.beside.setups import HERE

FILES = ("zone.test.", "other.test.", "signed.test.")
STALE = (15, "0003")
"""The extended error of a reply that is past its time (RFC 8914)."""


def _falls_through(said: Said) -> bool:
    """Whether a reply is a denial, or that of whoever was asked instead."""
    return said.rcode in ("NXDOMAIN", "SERVFAIL") or "aa" not in said.flags or "ra" in said.flags


def denied_name(pair: Pair) -> bool:
    there = relative(pair)
    if there is None or not is_empty(pair.ours) or not _falls_through(pair.theirs):
        return False
    return there in ("dns-version", "dns", "ns.dns") or (kind(pair) == "TXT" and there.count(".") < 2)


def soa_below(pair: Pair) -> bool:
    own = "aa" in pair.theirs.flags or "header" in pair.setup.plugins
    return kind(pair) == "SOA" and is_empty(pair.theirs) and own and _falls_through(pair.ours)


def own_name(pair: Pair) -> bool:
    there = relative(pair)
    return name(pair) == "ns.dns." or (mixed_case(pair) and (there == "ns.dns" or (kind(pair) == "NS" and there == "")))


def other_type_in_reverse(pair: Pair) -> bool:
    return is_reverse(pair) and is_empty(pair.ours) and pair.theirs.rcode == "NXDOMAIN"


def ptr_without_reply(pair: Pair) -> bool:
    return kind(pair) == "PTR" and is_reverse(pair) and pair.theirs.rcode == "no reply"


def odd_nibbles(pair: Pair) -> bool:
    nibbles = name(pair).removesuffix(".ip6.arpa.").split(".")
    mapped = nibbles[8:12] == ["f"] * 4 and set(nibbles[12:]) == {"0"}
    return name(pair).endswith(".ip6.arpa.") and (len(nibbles) > 32 or mapped)


def glue_of_apex(pair: Pair) -> bool:
    return kind(pair) == "NS" and relative(pair) == ""


def glue_of_bound(pair: Pair) -> bool:
    return "bind" in pair.setup.plugins and relative(pair) == "ns.dns"


def empty_port(pair: Pair) -> bool:
    return "_" in name(pair).split(".")


def pod(pair: Pair) -> bool:
    labels = (relative(pair) or "").split(".")
    if labels[-1] != "pod":
        return False
    if len(labels) > 3:
        return _falls_through(pair.ours)
    if kind(pair) == "SRV":
        return is_empty(pair.ours)
    return pair.ours.rcode == "NOERROR" and pair.theirs.rcode == "NXDOMAIN"


def failed_alias(pair: Pair) -> bool:
    return (pair.ours.rcode, pair.theirs.rcode) == ("SERVFAIL", "NOERROR") and "aa" in pair.ours.flags


def root_met_before(pair: Pair) -> bool:
    return name(pair) == "."


def alias_to_root(pair: Pair) -> bool:
    return any((line.kind, line.data) == ("CNAME", ".") for line in pair.theirs.lines)


def hidden(pair: Pair) -> bool:
    spaces = {line.data.split(".svc.")[0].rpartition(".")[2] for line in pair.theirs.lines if line.kind == "PTR"}
    gone = {"gone"} | ({"kube-system", "payments"} if pair.setup.name == "namespace_labels" else set())
    return kind(pair) == "PTR" and _falls_through(pair.ours) and bool(spaces) and spaces <= gone


def import_without_ports(pair: Pair) -> bool:
    return name(pair).startswith("noports.") and name(pair).endswith(".svc.clusterset.local.")


def class_or_notify(pair: Pair) -> bool:
    other_class = "class" in pair.row.given and pair.ours.rcode == "REFUSED"
    return other_class or (pair.row.given.get("opcode") == "NOTIFY" and pair.ours.rcode == "NOTIMP")


def without_echo(pair: Pair) -> bool:
    """Whether the OPT records are the same but for what they repeat of the query's."""
    ours, theirs = pair.ours.edns, pair.theirs.edns
    if ours is None or theirs is None or ours[:2] != theirs[:2]:
        return False
    return ours[2] == theirs[2] & codes.DO and set(ours[3]) ^ set(theirs[3]) <= set(options(pair))


def cached_cluster(pair: Pair) -> bool:
    return may_hit(pair) and "aa" in pair.ours.flags


def cached_case(pair: Pair) -> bool:
    return may_hit(pair) and same_but_case(pair)


def denied_metadata(pair: Pair) -> bool:
    labels = name(pair).split(".")
    below = labels[-4:] == ["pod", "cluster", "local", ""] and len(labels) > 6
    return {"metadata", "template"} <= pair.setup.plugins and kind(pair) in ("TXT", "ANY") and (below or "_" in labels)


def cut_for_case(pair: Pair) -> bool:
    """Whether a long name in other letters was what made a reply too long, as it could not be compressed."""
    cut = "tc" in pair.theirs.flags and "tc" not in pair.ours.flags
    return may_hit(pair) and mixed_case(pair) and len(name(pair)) > 200 and cut


def dns64_case(pair: Pair) -> bool:
    return "dns64" in pair.setup.plugins and kind(pair) == "AAAA" and mixed_case(pair) and same_but_case(pair)


def denied_without_rd(pair: Pair) -> bool:
    return may_hit(pair) and not pair.row.given.get("rd", True) and "aa" not in pair.ours.flags


def disabled_in_case(pair: Pair) -> bool:
    kept = "aa" in pair.theirs.flags and "aa" not in pair.ours.flags
    return may_hit(pair) and kept and f"disable denial {name(pair)[-14:-1]}" in pair.setup.text


def autopath_suffix(pair: Pair) -> bool:
    return "autopath" in pair.setup.plugins and pair.theirs.rcode == "SERVFAIL" and is_empty(pair.ours)


def autopath_question(pair: Pair) -> bool:
    return "autopath" in pair.setup.plugins and mixed_case(pair) and same_but_case(pair)


def autopath_class(pair: Pair) -> bool:
    return "autopath" in pair.setup.plugins and "class" in pair.row.given


def autopath_alias(pair: Pair) -> bool:
    owners = [line.owner for line, _ in pair.theirs.sections[0] if line.kind == "CNAME"]
    return "autopath" in pair.setup.plugins and len(owners) > len(set(owners))


def external_below(pair: Pair) -> bool:
    return external(pair) and name(pair).startswith("x.")


def external(pair: Pair) -> bool:
    return name(pair).endswith(tuple(f".{zone}." for zone in served_by(pair, "k8s_external")))


def transfer(pair: Pair) -> bool:
    return kind(pair) in AXFR and name(pair).endswith("cluster.local.")


def transfer_below(pair: Pair) -> bool:
    return kind(pair) in AXFR and pair.ours.rcode == "REFUSED"


def up_to_date(pair: Pair) -> bool:
    return kind(pair) == "IXFR" and len(pair.ours.lines) == len(pair.theirs.lines) == 1


def dns64_alias(pair: Pair) -> bool:
    aliased = any(line.kind == "CNAME" for line in pair.ours.lines)
    return "dns64" in pair.setup.plugins and kind(pair) == "AAAA" and aliased


def nsid_before_minimal(pair: Pair) -> bool:
    return {"nsid", "minimal"} <= pair.setup.plugins and _asks_name(pair)


def nsid_of_failure(pair: Pair) -> bool:
    failed = pair.ours.rcode == pair.theirs.rcode and not pair.ours.lines and not pair.theirs.lines
    return "nsid" in pair.setup.plugins and _asks_name(pair) and failed


def _asks_name(pair: Pair) -> bool:
    return any(code == codes.NSID for code, _ in options(pair))


def alias_of_file(pair: Pair) -> bool:
    aliased = any(line.kind == "CNAME" for line in pair.ours.lines)
    return aliased and name(pair).endswith(FILES)


def alias_too_long(pair: Pair) -> bool:
    return alias_of_file(pair) and "tc" in pair.ours.flags and len(name(pair)) > 150


def address_of_service(pair: Pair) -> bool:
    own = any(line.kind == "HTTPS" and line.data.split()[1] == "." for line in pair.ours.lines)
    return own and name(pair).endswith(FILES)


@cache
def _owners(zone: str) -> frozenset[str]:
    lines = (HERE / "files" / zone.rstrip(".")).read_text().splitlines()
    return frozenset(f"{line.split()[0]}.{zone}".lower() for line in lines if line[0] not in " $")


def empty_non_terminal(pair: Pair) -> bool:
    zone = next((zone for zone in FILES if name(pair).endswith(f".{zone}")), "")
    if not zone or name(pair) in _owners(zone):
        return False
    return is_empty(pair.ours) and any(owner.endswith(f".{name(pair)}") for owner in _owners(zone))


def generated(pair: Pair) -> bool:
    if kind(pair) in AXFR and name(pair) == "other.test.":
        return True
    return name(pair) == "many.other.test." or (name(pair).startswith("gen") and name(pair).endswith(".other.test."))


def bad_version(pair: Pair) -> bool:
    return pair.ours.rcode == pair.theirs.rcode == "BADVERS"


def unreadable(pair: Pair) -> bool:
    """Over UDP it may have been cut in time."""
    longest = len(name(pair)) > 240 and {"whoami", "template"} & pair.setup.plugins
    return bool(longest) and (pair.theirs.rcode.startswith("unreadable") or "tc" in pair.theirs.flags)


def server_address(pair: Pair) -> bool:
    return "server_ip()" in pair.setup.text and pair.proto == "udp"


def rewritten_size(pair: Pair) -> bool:
    cut = "tc" in pair.ours.flags and "tc" not in pair.theirs.flags
    return cut and pair.proto == "udp" and "edns" not in pair.row.given and " edns0 " in pair.setup.text


def rewritten_edns(pair: Pair) -> bool:
    return (
        "rewrite" in pair.setup.plugins and " edns0 " in pair.setup.text and (not options(pair) or without_echo(pair))
    )


def signed_too_long(pair: Pair) -> bool:
    return bool(pair.ours.tsig) and "tc" in pair.ours.flags and not pair.ours.lines and pair.proto == "udp"


def version(pair: Pair) -> bool:
    return "chaos" in pair.setup.plugins and pair.row.given.get("class") == "CH" and kind(pair) == "TXT"


def ran_out(pair: Pair) -> bool:
    """Whether the replies differ in what tells a kept one: AA, its time, and the extended error of a stale one."""
    if not may_hit(pair) or not pair.ours.flags ^ pair.theirs.flags <= {"aa"}:
        return False
    ours, theirs = pair.ours.edns, pair.theirs.edns
    if ours == theirs:
        return True
    return (
        ours is not None and theirs is not None and ours[:3] == theirs[:3] and set(ours[3]) ^ set(theirs[3]) == {STALE}
    )
