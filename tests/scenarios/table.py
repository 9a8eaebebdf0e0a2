"""An upstream resolver that answers from a few lines like those of a zone file.

    www.example.org.  60 A 192.0.2.80       a record; the names of the table have no other types (NODATA)
    broken.example.   SERVFAIL              a code instead; SILENT for no reply at all
    seen.example.     SEEN                  a TXT record of what was asked: "aa rd" "CH" "TXT" "1232" "do" "65001:6162",
                                            the flags in one, and what follows the type only with EDNS

All other names are NXDOMAIN. Negative answers carry the SOA of `SOA_OWNER`, whose minimum is 30 s. Aliases are
followed, records stay in their order, and what does not fit is truncated. A name with an SOA in the table is a zone,
which may be transferred (AXFR) with all that is below it.
"""

from collections import defaultdict

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.kit.upstream import Ask, Steps
from tests.scenarios.statements import Statement

SOA_OWNER = "."
SOA = "ns.upstream. host.upstream. 7 3600 600 86400 30"


class Table:
    """The script of a `FakeUpstream`, replaced whole at each `upstream` statement."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, tuple[int, list[str]]]] = {}
        self.codes: dict[str, str] = {}

    def replace(self, statement: Statement) -> None:
        """Take the lines of a statement. Raises `ScenarioError`."""
        self.records, self.codes = defaultdict(dict), {}
        for line in statement.body:
            words = line.text.partition(" #")[0].split()
            if not words:
                continue
            place = statement.place.at(line.number)
            try:
                name = dns.name.from_text(words[0]).to_text().lower()
                if len(words) == 2:
                    self.codes[name] = words[1]
                    if words[1] not in ("SILENT", "SEEN"):
                        dns.rcode.from_text(words[1])
                    continue
                ttl, kind, data = int(words[1]), words[2], " ".join(words[3:])
                dns.rrset.from_text(name, ttl, "IN", kind, data)
            except (ValueError, IndexError, dns.exception.DNSException) as error:
                raise place.error(f"NAME TTL TYPE DATA, or NAME RCODE: {error}") from None
            self.records[name].setdefault(kind, (ttl, []))[1].append(data)

    def script(self, ask: Ask) -> Steps:
        """The steps to take for a question."""
        query = dns.message.from_wire(ask.message)
        asked = query.question[0].name.to_text().lower()
        if self.codes.get(asked) == "SILENT":
            return []
        reply = self._reply(query)
        limit = 65535 if ask.proto == "tcp" else max(512, query.payload)
        try:
            return [reply.to_wire(max_size=limit, want_shuffle=False)]
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            return [short.to_wire()]

    def _reply(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query, recursion_available=True, pad=0)
        reply.flags |= query.flags & dns.flags.CD
        question = query.question[0]
        owner, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        asked = owner.to_text().lower()
        if kind == "AXFR" and "SOA" in self.records.get(asked, {}):
            reply.answer += self._zone(owner)
            return reply
        for _ in range(8):
            here = self.records.get(asked, {})
            if "CNAME" not in here or kind == "CNAME":
                break
            ttl, data = here["CNAME"]
            reply.answer.append(dns.rrset.from_text(owner, ttl, "IN", "CNAME", *data))
            owner = dns.name.from_text(data[0])
            asked = owner.to_text().lower()
        if self.codes.get(asked) == "SEEN":
            reply.answer.append(dns.rrset.from_text(owner, 0, "IN", "TXT", _seen(query)))
        elif asked in self.codes:
            reply.set_rcode(dns.rcode.from_text(self.codes[asked]))
        elif kind in self.records.get(asked, {}):
            ttl, data = self.records[asked][kind]
            reply.answer.append(dns.rrset.from_text(owner, ttl, "IN", kind, *data))
        else:
            if asked not in self.records:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            reply.authority.append(dns.rrset.from_text(SOA_OWNER, 300, "IN", "SOA", SOA))
        return reply

    def _zone(self, origin: dns.name.Name) -> list[dns.rrset.RRset]:
        """All records of a zone, the SOA first and last."""
        whole = [
            dns.rrset.from_text(name, ttl, "IN", kind, *data)
            for name, kinds in self.records.items()
            if dns.name.from_text(name).is_subdomain(origin)
            for kind, (ttl, data) in kinds.items()
        ]
        soa = next(rrset for rrset in whole if rrset.rdtype == dns.rdatatype.SOA and rrset.name == origin)
        whole.remove(soa)
        return [soa, *whole, soa]


def _seen(query: dns.message.Message) -> str:
    """A query in words, as the data of a TXT record."""
    question = query.question[0]
    flags = dns.flags.to_text(query.flags).lower()
    words = [flags, dns.rdataclass.to_text(question.rdclass), dns.rdatatype.to_text(question.rdtype)]
    if query.edns >= 0:
        words += [str(query.payload), *(["do"] if query.ednsflags & dns.flags.DO else [])]
        words += [f"{int(option.otype)}:{option.to_wire().hex()}" for option in query.options]
    return " ".join(f'"{word}"' for word in words)
