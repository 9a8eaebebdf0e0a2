import base64
import time
from pathlib import Path
from typing import Any

import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.query import Query
from kdns.chain.roles import Keyholder
from kdns.corefile import ConfigError
from kdns.plugins.tsig.handler import TsigServer
from kdns.wire import codes, name
from kdns.wire.signing import Signature, check
from kdns.wire.tsig import find_tsig
from tests.kit.chain import Chain, Next, chain_of, root_chain
from tests.kit.query import query
from tests.kit.signed import SECRET, Signed

BLOCK = f"tsig {{\n secret key.example.org {SECRET}\n %s\n}}"


def chain(option: str = "", *answers: Answer, zones: str = "") -> Chain:
    return root_chain((BLOCK % option).replace("tsig", f"tsig {zones}"), behind=Next(*answers or (Answer(),)))


def signature(**how: Any) -> Signature:
    octets = Signed(**how).octets
    found = find_tsig(octets)
    assert found is not None
    return check(octets, *found, {name.from_text("key.example.org"): SECRET_OCTETS}, int(time.time()))


SECRET_OCTETS = base64.b64decode(SECRET)


def signed(text: str = "web.example.org", rtype: str = "A", *, depth: int = 0, **how: Any) -> Query:
    return query(text, rtype).replace(signature=signature(**how), depth=depth)


@pytest.mark.parametrize(
    ("option", "rtype", "flags", "passes"),
    [
        ("", "A", 0, True),
        ("require none", "A", 0, True),
        ("require all", "A", 0, False),
        ("require A AAAA", "A", 0, False),
        ("require A AAAA", "TXT", 0, True),
        ("require A\n require TXT", "A", 0, True),
        ("require A\n require TXT", "TXT", 0, False),
        ("require A\n require none", "A", 0, True),
        ("require all\n require none", "A", 0, False),
        ("require all\n require TXT", "A", 0, False),
        ("require_opcode QUERY", "A", 0, False),
        ("require_opcode NOTIFY UPDATE", "A", 0, True),
        ("require_opcode NOTIFY UPDATE", "SOA", codes.NOTIFY << 11, False),
        ("require_opcode all", "A", 0, False),
        ("require_opcode all\n require_opcode none", "A", 0, False),
        ("require_opcode IQUERY STATUS\n require_opcode none", "A", codes.STATUS << 11, True),
        ("require TXT\n require_opcode NOTIFY", "A", 0, True),
        ("require TXT\n require_opcode NOTIFY", "A", codes.NOTIFY << 11, False),
        ("require TXT\n require_opcode NOTIFY", "TXT", 0, False),
    ],
)
def test_unsigned_queries(option: str, rtype: str, flags: int, passes: bool) -> None:
    answer = chain(option).answer(query("web.example", rtype, flags=flags))
    assert answer == (Answer() if passes else Answer(rcode=codes.REFUSED))
    assert answer.written


def test_the_refusal_is_told(printed: Any) -> None:
    chain("require all").ask("web.example", "TXT")
    assert printed() == ["[DEBUG] rejecting 'TXT' request without TSIG"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(flags=codes.AA), Answer(flags=codes.AA)),
        (Answer(rcode=codes.NXDOMAIN), Answer(rcode=codes.NXDOMAIN)),
        (refuse(codes.SERVFAIL), Answer(rcode=codes.SERVFAIL)),
        (refuse(codes.REFUSED), Answer(rcode=codes.REFUSED)),
        (DROP, DROP),
    ],
)
def test_a_good_signature(answer: Answer, expected: Answer) -> None:
    asked = signed()
    assert chain("require all", answer).answer(asked) == expected
    assert asked.signature is not None
    assert asked.signature.wanted


def test_no_reply_stays_none() -> None:
    assert chain("", DROP).answer(signed()) is DROP


def test_what_others_leave_to_the_server_is_told_here(printed: Any) -> None:
    """CoreDNS's `errors`, which stands before, does not hear of it."""
    answer = chain("", refuse(codes.SERVFAIL, "no route")).answer(signed())
    assert answer == Answer(rcode=codes.SERVFAIL)
    assert printed() == ["[ERROR] request handler returned an error: no route"]


@pytest.mark.parametrize(
    ("how", "error", "reason"),
    [
        ({"key": "other.example"}, codes.BADKEY, "no secrets defined"),
        ({"secret": "AAAA"}, codes.BADSIG, "bad signature"),
        ({"skew": -1000}, codes.BADTIME, "bad time"),
    ],
)
def test_a_bad_signature(how: dict[str, Any], error: int, reason: str, printed: Any) -> None:
    behind = Next(Answer())
    asked = signed(**how)
    assert root_chain(BLOCK % "", behind=behind).answer(asked) == Answer(rcode=codes.NOTAUTH)
    assert behind.queries == []
    assert asked.signature is not None
    assert (asked.signature.wanted, asked.signature.error) == (True, error)
    assert printed() == [f"[DEBUG] TSIG validation failed: A dns: {reason}"]


@pytest.mark.parametrize("how", [{}, {"secret": "AAAA"}])
def test_names_out_of_the_zones_are_left_alone(how: dict[str, Any]) -> None:
    asked = signed("web.example.net", **how)
    assert chain("require all", zones="example.org").answer(asked) == Answer()
    assert asked.signature is not None
    assert not asked.signature.wanted
    assert chain("require all", zones="example.org").ask("web.example.net") == Answer()
    assert chain("require all", zones="example.org").ask("web.example.org").rcode == codes.REFUSED


@pytest.mark.parametrize(
    ("option", "how", "rcode"),
    [
        ("require all", {}, codes.NOERROR),
        ("require all", {"secret": "AAAA"}, codes.REFUSED),
        ("", {"secret": "AAAA"}, codes.NOERROR),
    ],
)
def test_a_lookup_in_the_course_of_a_query_is_as_good_as_its_signature(
    option: str, how: dict[str, Any], rcode: int
) -> None:
    asked = signed(depth=1, **how)
    assert chain(option).answer(asked).rcode == rcode
    assert asked.signature is not None
    assert not asked.signature.wanted
    assert chain("require all").answer(query("web.example").replace(depth=1)).rcode == codes.REFUSED


def secrets(chain: Chain) -> dict[bytes, bytes | None]:
    (holder,) = chain.site.find(Keyholder)  # type: ignore[type-abstract]
    return dict(holder.tsig_secrets)


def test_secrets(tmp_path: Path, printed: Any) -> None:
    (tmp_path / "keys").write_text('key "File.Key" {\n  secret "U0VDUkVU";\n};\n')
    found = secrets(root_chain(f"tsig {{\n secret One.Key QUJD\n secrets {tmp_path}/keys\n secret two. test-key\n}}"))
    assert found == {
        name.from_text("one.key"): b"ABC",
        name.from_text("file.key"): b"SECRET",
        name.from_text("two"): None,
    }
    assert printed() == [
        "[WARNING] plugin/tsig: The secret of key two. is not base64: what is signed with it is refused"
    ]


def test_without_secrets_there_is_still_somebody_who_has_them() -> None:
    assert secrets(root_chain("tsig")) == {}
    assert isinstance(root_chain("tsig {\n}").links["tsig"], TsigServer)


def test_the_zones_of_the_block_count_where_none_are_given() -> None:
    text = "a.example b.example {\n tsig {\n  require all\n }\n}\n"
    linked = chain_of(text, behind=Next(Answer()))
    rcodes = [linked.ask(each).rcode for each in ("x.a.example", "b.example", "c.example")]
    assert rcodes == [codes.REFUSED, codes.REFUSED, codes.NOERROR]


def test_only_verified_queries_are_told_from_forged_ones() -> None:
    """A query that nobody looked at, as on a listener of a test, is unsigned."""
    assert chain("require all").answer(query("web.example")).rcode == codes.REFUSED


@pytest.mark.parametrize(
    ("text", "token", "reason", "line"),
    [
        ("tsig {\n secret\n}", "secret", "", 3),
        ("tsig {\n secret a\n}", "a", "", 3),
        ("tsig {\n secret a b c\n}", "c", "", 3),
        ("tsig {\n secret a QQ==\n secret A. QQ==\n}", "QQ==", 'key "a." redefined', 4),
        ("tsig {\n secrets\n}", "secrets", "", 3),
        ("tsig {\n secrets a b\n}", "b", "", 3),
        ("tsig {\n secrets /no/file\n}", "/no/file", "open /no/file: no such file or directory", 3),
        ("tsig {\n require\n}", "require", "", 3),
        ("tsig {\n require A a\n}", "a", "unknown query type 'a'", 3),
        ("tsig {\n require TYPE65280 A\n}", "A", "unknown query type 'TYPE65280'", 3),
        ("tsig {\n require_opcode\n}", "require_opcode", "", 3),
        ("tsig {\n require_opcode QUERY DSO\n}", "DSO", "unknown opcode 'DSO'", 3),
        ("tsig {\n sekret a b\n}", "sekret", "unknown property 'sekret'", 3),
        ("tsig a.example\ntsig b.example", "tsig", "this plugin can only be used once per Server Block", 3),
        ("tsig {\n sekret\n}\ntsig", "sekret", "unknown property 'sekret'", 3),
    ],
)
def test_setup_errors(text: str, token: str, reason: str, line: int) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    generic = f"plugin/tsig: Corefile:{line} - Error during parsing: Wrong argument count or unexpected line ending"
    assert str(raised.value) == f"{generic} after '{token}'" + (f": {reason}" if reason else "")


def test_a_file_of_keys_with_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text('key "a" {\n  sekret "QQ==";\n};\n')
    with pytest.raises(ConfigError, match='unexpected token "sekret"'):
        root_chain(f"tsig {{\n secrets {tmp_path}/keys\n}}")
    (tmp_path / "keys").write_text('key "a" {\n  secret "QQ==";\n};\n')
    with pytest.raises(ConfigError, match=r'key "a\." redefined'):
        root_chain(f"tsig {{\n secret a QQ==\n secrets {tmp_path}/keys\n}}")
