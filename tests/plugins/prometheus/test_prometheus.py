import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.query import Query
from kdns.corefile import ConfigError
from kdns.wire import codes, rdata
from kdns.wire.edns import Edns
from kdns.wire.record import Record
from tests.kit.chain import Chain, Clock, Next, chain_of, root_chain

A = Record(None, codes.A, rdata.a("192.0.2.1"), 30)
SUCCESS = Answer(answer=(A,))


def series(chain: Chain, name: str) -> list[str]:
    text = chain.registry.render().decode()
    return [line.removeprefix(name) for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]


def test_a_query_is_counted_under_its_labels() -> None:
    chain = root_chain("prometheus\nerrors", behind=Next(SUCCESS))
    assert chain.ask("www.example.org") is SUCCESS
    assert series(chain, "coredns_dns_requests_total") == [
        '{family="1",proto="udp",server="dns://:53",type="A",view="",zone="."} 1.0'
    ]
    assert series(chain, "coredns_dns_responses_total") == [
        '{plugin="errors",rcode="NOERROR",server="dns://:53",view="",zone="."} 1.0'
    ]
    where = '{proto="udp",server="dns://:53",view="",zone="."}'
    assert series(chain, "coredns_dns_request_size_bytes_sum") == [f"{where} 33.0"]
    assert series(chain, "coredns_dns_response_size_bytes_sum") == [f"{where} 64.0"]
    assert series(chain, "coredns_dns_do_requests_total") == []


def test_tcp_ipv6_and_do() -> None:
    chain = root_chain("prometheus", behind=Next(SUCCESS))
    chain.ask("a.example", "AAAA", client="2001:db8::9", proto="tcp", edns=Edns(1232, codes.DO), server="dns://:1053")
    assert series(chain, "coredns_dns_requests_total") == [
        '{family="2",proto="tcp",server="dns://:1053",type="AAAA",view="",zone="."} 1.0'
    ]
    assert series(chain, "coredns_dns_do_requests_total") == ['{server="dns://:1053",view="",zone="."} 1.0']


@pytest.mark.parametrize(
    ("asked", "zone"),
    [
        ("a.example.org", "example.org."),
        ("EXAMPLE.org", "example.org."),
        ("a.sub.example.org", "sub.example.org."),
        ("badexample.org", "."),
        (".", "."),
    ],
)
def test_the_zone_is_the_longest_of_the_block(asked: str, zone: str) -> None:
    chain = chain_of("sub.Example.org example.org {\n prometheus\n}", behind=Next(SUCCESS))
    chain.ask(asked)
    (line,) = series(chain, "coredns_dns_request_duration_seconds_count")
    assert f'zone="{zone}"' in line


@pytest.mark.parametrize(
    ("rtype", "label"),
    [("A", "A"), ("HTTPS", "HTTPS"), ("AXFR", "AXFR"), ("ANY", "ANY"), ("CAA", "other"), ("MD", "other")],
)
def test_types_without_a_label_are_one(rtype: str, label: str) -> None:
    chain = root_chain("prometheus", behind=Next(SUCCESS))
    chain.ask("a.example", rtype)
    (line,) = series(chain, "coredns_dns_requests_total")
    assert f'type="{label}"' in line


@pytest.mark.parametrize(
    ("answer", "rcode", "plugin", "size"),
    [
        (SUCCESS, "NOERROR", "log", 52),
        (Answer(rcode=codes.NXDOMAIN), "NXDOMAIN", "log", 27),
        (Answer(rcode=codes.SERVFAIL), "SERVFAIL", "log", 27),
        (refuse(codes.SERVFAIL), "SERVFAIL", "", 0),
        (refuse(codes.REFUSED), "REFUSED", "", 0),
        (DROP, "NOERROR", "", 0),
        (Answer(rcode=16), "BADSIG", "log", 27),
        (Answer(rcode=4000), "RCODE4000", "log", 27),
    ],
)
def test_who_wrote_what(answer: Answer, rcode: str, plugin: str, size: int) -> None:
    chain = root_chain("log\nwhoami\nprometheus", behind=Next(answer))
    chain.links["whoami"].answer = Next(answer).answer  # type: ignore[method-assign]
    chain.ask("a.example")
    (line,) = series(chain, "coredns_dns_responses_total")
    assert f'plugin="{plugin}",rcode="{rcode}"' in line
    assert series(chain, "coredns_dns_response_size_bytes_sum")[0].endswith(f" {size}.0")


def test_the_time_between() -> None:
    clock = Clock()

    def slow(query: Query) -> Answer:
        clock.advance(0.75)
        return SUCCESS

    chain = root_chain("prometheus", behind=Next(slow), clock=clock)
    chain.ask("a.example")
    where = 'server="dns://:53",view="",zone="."}'
    buckets = series(chain, "coredns_dns_request_duration_seconds_bucket")
    assert f'{{le="0.512",{where} 0.0' in buckets
    assert f'{{le="1.024",{where} 1.0' in buckets
    assert series(chain, "coredns_dns_request_duration_seconds_sum") == [f"{{{where} 0.75"]


def test_replies_that_were_kept_are_counted_by_the_tally() -> None:
    chain = root_chain("prometheus", behind=Next(SUCCESS))
    basis = chain.basis_of("a.example")
    (tally,) = basis.tallies
    tally(41)
    assert series(chain, "coredns_dns_requests_total")[0].endswith(" 42.0")
    assert series(chain, "coredns_dns_responses_total")[0].endswith(" 42.0")
    assert series(chain, "coredns_dns_request_duration_seconds_count")[0].endswith(" 42.0")
    assert series(chain, "coredns_dns_response_size_bytes_sum")[0].endswith(f" {42 * 52}.0")


@pytest.mark.parametrize("mark", ["fleeting", "private"])
def test_what_will_not_be_kept_needs_no_tally(mark: str) -> None:
    def marked(query: Query) -> Answer:
        setattr(query.basis, mark, True)
        return SUCCESS

    assert root_chain("prometheus", behind=Next(marked)).basis_of("a.example").tallies == []


def test_counters_survive_a_reload() -> None:
    before = root_chain("prometheus", behind=Next(SUCCESS))
    before.ask("a.example")
    after = root_chain("prometheus", behind=Next(SUCCESS), registry=before.registry)
    after.ask("a.example")
    assert series(after, "coredns_dns_requests_total")[0].endswith(" 2.0")


def test_what_is_exported_from_the_start() -> None:
    chain = root_chain("prometheus")
    for name in (
        "coredns_panics_total",
        "coredns_health_request_failures_total",
        "coredns_health_request_duration_seconds_count",
        "coredns_forward_healthcheck_broken_total",
        "coredns_forward_max_concurrent_rejects_total",
        "coredns_reload_failed_total",
        "coredns_hosts_reload_timestamp_seconds",
        "coredns_local_localhost_requests_total",
    ):
        assert series(chain, name) == [" 0.0"], name
    (line,) = series(chain, "coredns_build_info")
    assert 'version="1.14.7"' in line
    assert line.endswith(" 1.0")


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("prometheus 9153", "address 9153: missing port in address"),
        ("prometheus :1 :2", "Wrong argument count or unexpected line ending after 'prometheus'"),
        ("prometheus {\n runtime_metrics all\n}", "Wrong argument count or unexpected line ending after 'all'"),
        ("prometheus {\n tls a\n tls b\n}", "tls block already specified"),
        ("prometheus {\n tls\n}", "Wrong argument count or unexpected line ending after 'tls'"),
        ("prometheus {\n tls a b\n}", "Wrong argument count or unexpected line ending after 'tls'"),
        ("prometheus {\n path /m\n}", "unknown option: path"),
        ("prometheus\nprometheus", "this plugin can only be used once per Server Block"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/prometheus: Corefile:")
