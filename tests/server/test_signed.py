"""Signed queries through a whole instance, with dnspython as their client."""

import time
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.tsig
import pytest

from kdns.server.service import Service
from kdns.server.signed import SignedService
from kdns.wire.message import read_message
from kdns.wire.tsig import find_tsig
from tests.kit.chain import Clock, process
from tests.kit.house import Ends, House, packet
from tests.kit.signed import SECRET, Signed

ZONE = """\
@ 3600 SOA ns admin 7 7200 3600 1209600 3600
@ 3600 NS ns
ns 3600 A 192.0.2.1
web 300 A 192.0.2.2
alias 300 CNAME web.example.net.
big 300 TXT {text}
big 300 TXT {other}
long 300 TXT {text}
long 300 TXT {other}
long 300 TXT {other}c
"""

COREFILE = """\
example.org:53 {
    tsig {
        secret key.example.org SECRET
        require AXFR
    }
    transfer {
        to *
    }
    file FOLDER/zone
}
example.net:53 {
    tsig sub.example.net {
        secret other.example.org U0VDUkVU
        require all
    }
    transfer {
        to *
    }
    hosts {
        192.0.2.7 web.example.net
        192.0.2.8 a.sub.example.net
    }
}
example.com:53 {
    transfer {
        to *
    }
    file FOLDER/zone
}
plain.example:5300 {
    whoami
}
tls://secure.example:853 {
    tsig {
        secret key.example.org SECRET
        require all
    }
    whoami
}
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    text = ZONE.format(text="a" * 200, other="b" * 200)
    more = "".join(f"n{number} 60 TXT {'x' * 200}\n" for number in range(900))
    (tmp_path / "zone").write_text(text + more)
    corefile = COREFILE.replace("SECRET", SECRET).replace("FOLDER", str(tmp_path))
    return House(corefile, outside=process(time=time.time))


def now(house: House, asked: Signed | bytes, proto: str = "udp", port: int | None = None) -> bytes:
    """The reply that is known at once."""
    reply = house.ask_now(asked.octets if isinstance(asked, Signed) else asked, Ends(proto=proto), proto, port)
    assert reply is not None
    return reply


def test_a_listener_without_keys_has_none_of_it(house: House) -> None:
    assert type(house.service(port=5300)) is Service
    assert type(house.service(port=53)) is SignedService
    assert find_tsig(now(house, Signed("plain.example"), port=5300)) is None


@pytest.mark.parametrize("proto", ["udp", "tcp"])
@pytest.mark.parametrize("edns", [None, 1232])
async def test_a_signed_reply(house: House, proto: str, edns: int | None) -> None:
    async with house.running():
        asked = Signed(edns=edns)
        reply = asked.read(now(house, asked, proto))
        assert reply.had_tsig
        assert reply.rcode() == dns.rcode.NOERROR
        assert [str(rrset) for rrset in reply.answer] == ["web.example.org. 300 IN A 192.0.2.2"]
        assert reply.edns == (-1 if edns is None else 0)
        missing = Signed("nowhere.example.org", edns=edns)
        assert asked_rcode(house, missing, proto) == dns.rcode.NXDOMAIN


def asked_rcode(house: House, asked: Signed, proto: str = "udp", port: int | None = None) -> int:
    reply = asked.read(now(house, asked, proto, port))
    assert reply.had_tsig
    return int(reply.rcode())


def test_on_an_encrypted_listener(house: House) -> None:
    """CVE-2026-33190: there CoreDNS once took every signature for good."""
    assert asked_rcode(house, Signed("a.secure.example"), "tcp", 853) == dns.rcode.NOERROR
    refused = read_message(now(house, packet("a.secure.example"), "tcp", 853))
    assert refused.rcode == dns.rcode.REFUSED
    forged = read_message(now(house, Signed("a.secure.example", secret="AAAA"), "tcp", 853))
    assert forged.rcode == dns.rcode.NOTAUTH


async def test_nothing_that_was_signed_is_kept_and_no_signed_query_gets_what_is_kept(house: House) -> None:
    async with house.running():
        service = house.service()
        unsigned = packet("web.example.org")
        first = now(house, unsigned)
        assert service.hit(unsigned) == first
        kept = len(service.memo.entries)
        for _ in range(3):
            asked = Signed()
            assert asked.read(now(house, asked)).had_tsig
            assert asked.read(now(house, asked)).had_tsig
            forged = Signed(secret="AAAA")
            assert read_message(now(house, forged)).rcode == dns.rcode.NOTAUTH
        assert len(service.memo.entries) == kept
        assert service.hit(unsigned) == first


@pytest.mark.parametrize("edns", [None, 560])
async def test_what_does_not_fit_with_its_signature_is_asked_for_again(house: House, edns: int | None) -> None:
    async with house.running():
        asked = Signed("big.example.org", "TXT", edns=edns)
        octets = now(house, asked)
        reply = asked.read(octets)
        assert len(octets) <= (edns or 512)
        assert reply.had_tsig
        assert reply.flags & dns.flags.TC
        assert (reply.rcode(), reply.answer, reply.authority) == (dns.rcode.NOERROR, [], [])
        whole = asked.read(now(house, asked, "tcp"))
        assert len(whole.answer[0]) == 2
        roomy = Signed("big.example.org", "TXT", edns=1232)
        assert len(roomy.read(now(house, roomy)).answer[0]) == 2


async def test_what_does_not_fit_anyway_is_cut_as_ever(house: House) -> None:
    async with house.running():
        asked = Signed("long.example.org", "TXT")
        reply = asked.read(now(house, asked))
        assert reply.had_tsig
        assert reply.flags & dns.flags.TC
        assert len(reply.to_wire()) <= 512


async def test_a_zone_is_signed_in_every_message(house: House) -> None:
    async with house.running():
        asked = Signed("example.org", "AXFR")
        replies = await house.ask_all(asked.octets, proto="tcp")
        messages = asked.read_all(replies)
        assert len(messages) > 3
        assert all(message.had_tsig for message in messages)
        assert sum(len(message.answer) for message in messages) > 900
        assert all(len(reply) < 65536 for reply in replies)


async def test_a_zone_needs_its_signature(house: House) -> None:
    async with house.running():
        (refused,) = await house.ask_all(packet("example.org", "AXFR"), proto="tcp")
        assert read_message(refused).rcode == dns.rcode.REFUSED
        assert find_tsig(refused) is None
        (forged,) = await house.ask_all(Signed("example.org", "AXFR", secret="AAAA").octets, proto="tcp")
        assert read_message(forged).rcode == dns.rcode.NOTAUTH
        over_udp = Signed("example.org", "AXFR")
        assert asked_rcode(house, over_udp) == dns.rcode.REFUSED


async def test_a_block_without_the_plugin_signs_zones_alone(house: House) -> None:
    async with house.running():
        asked = Signed("example.org", "AXFR")
        zone = Signed("example.com", "AXFR")
        replies = await house.ask_all(zone.octets, proto="tcp")
        assert len(zone.read_all(replies)) == len(asked.read_all(await house.ask_all(asked.octets, proto="tcp")))
        plain = now(house, Signed("web.example.com"))
        assert find_tsig(plain) is None
        unsigned = await house.ask_all(packet("example.com", "AXFR"), proto="tcp")
        assert find_tsig(unsigned[0]) is None
        forged = await house.ask_all(Signed("example.com", "AXFR", secret="AAAA").octets, proto="tcp")
        assert find_tsig(forged[0]) is None
        assert len(forged) == len(unsigned)


async def test_the_keys_of_all_blocks_count(house: House) -> None:
    async with house.running():
        asked = Signed(key="other.example.org", secret="U0VDUkVU")
        assert asked_rcode(house, asked) == dns.rcode.NOERROR


async def test_names_out_of_the_zones_of_the_plugin_pass(house: House) -> None:
    async with house.running():
        for query in (
            packet("web.example.net"),
            Signed("web.example.net").octets,
            Signed("web.example.net", secret="AAAA"),
        ):
            reply = now(house, query)
            assert read_message(reply).rcode == dns.rcode.NOERROR
            assert find_tsig(reply) is None
        assert read_message(now(house, packet("a.sub.example.net"))).rcode == dns.rcode.REFUSED
        assert asked_rcode(house, Signed("a.sub.example.net")) == dns.rcode.NOERROR


async def test_clocks(tmp_path: Path) -> None:
    clock = Clock(time.time())
    text = f".:53 {{\n tsig {{\n secret key.example.org {SECRET}\n }}\n whoami\n}}\n"
    house = House(text, outside=process(time=clock))
    asked = Signed(fudge=30)
    assert asked.read(now(house, asked)).rcode() == dns.rcode.NOERROR
    clock.advance(40)
    reply = now(house, asked)
    assert read_message(reply).rcode == dns.rcode.NOTAUTH
    with pytest.raises(dns.tsig.PeerBadTime):
        asked.read(reply)


@pytest.mark.parametrize("cut", [1, 7, 20, 30])
def test_what_cannot_be_read_is_a_malformed_query(house: House, cut: int) -> None:
    reply = read_message(now(house, Signed().octets[:-cut]))
    assert (reply.rcode, reply.question is not None) == (dns.rcode.FORMERR, True)


def test_a_record_that_does_not_end_the_message_is_malformed(house: House) -> None:
    octets = Signed().octets
    opt = bytes.fromhex("00 0029 04d0 00000000 0000")
    reply = read_message(now(house, octets[:11] + b"\2" + octets[12:] + opt))
    assert reply.rcode == dns.rcode.FORMERR


def test_the_signature_is_part_of_the_size(house: House) -> None:
    service = house.service()
    assert isinstance(service, SignedService)
    octets = Signed(edns=1232).octets
    query = service._read(octets, Ends(), None)
    assert not isinstance(query, bytes)
    assert query is not None
    assert query.size == len(octets)
