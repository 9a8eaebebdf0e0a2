import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.corefile import ConfigError
from kdns.wire import codes, name, rdata
from kdns.wire.edns import Option
from kdns.wire.record import Record
from tests.kit.chain import Next, root_chain

ZONE = name.from_text("example")
A = Record(None, codes.A, b"\x0a\0\0\1", 5)
NS = Record(ZONE, codes.NS, name.from_text("ns.example"), 5)
SOA = Record(ZONE, codes.SOA, rdata.soa(ZONE, ZONE, 1, 2, 3, 4, 5), 5)
GLUE = Record(name.from_text("ns.example"), codes.A, b"\x0a\0\0\2", 5)
EDE = (Option(codes.EDE, b"\0\3"),)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(flags=codes.AA, answer=(A,), authority=(NS,), additional=(GLUE,), options=EDE),
        Answer(answer=(A,), options=EDE),
        Answer(additional=(GLUE,)),
        Answer(answer=(A,), authority=(SOA,)),
    ],
    ids=["everything", "an option", "nothing but glue", "a SOA beside the answer"],
)
def test_positive_answers_are_stripped(answer: Answer) -> None:
    found = root_chain("minimal", behind=Next(answer)).ask("web.example")
    assert found == answer.replace(authority=(), additional=(), options=())


@pytest.mark.parametrize(
    "answer",
    [
        Answer(rcode=codes.NXDOMAIN, authority=(SOA,), additional=(GLUE,)),
        Answer(rcode=codes.NXDOMAIN, answer=(A,), authority=(SOA,)),
        Answer(authority=(SOA,), additional=(GLUE,), options=EDE),
        Answer(authority=(NS,), additional=(GLUE,)),
        Answer(rcode=codes.SERVFAIL, additional=(GLUE,)),
        Answer(rcode=codes.REFUSED, options=EDE),
        Answer(answer=(A,)),
        refuse(codes.SERVFAIL, "why"),
        DROP,
    ],
    ids=[
        "no name",
        "no name behind an alias",
        "no data",
        "a delegation",
        "a failure",
        "a refusal",
        "bare",
        "code",
        "drop",
    ],
)
def test_all_others_pass_as_they_are(answer: Answer) -> None:
    assert root_chain("minimal", behind=Next(answer)).ask("web.example") is answer


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR"])
def test_transfers_pass(rtype: str) -> None:
    answer = Answer(answer=(SOA,), authority=(NS,))
    assert root_chain("minimal", behind=Next(answer)).ask("example", rtype) is answer


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("minimal 1", "Wrong argument count or unexpected line ending after '1'"),
        ("minimal {\n    all\n}", "unknown property 'all'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/minimal: Corefile:")
    assert raised.value.message == error
