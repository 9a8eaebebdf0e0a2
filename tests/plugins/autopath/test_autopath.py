"""Walking search paths (kubernetes.md section 6.2)."""

from pathlib import Path

import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.corefile import ConfigError
from kdns.plugins import autopath
from kdns.wire import codes, name
from kdns.wire.record import Record
from tests.kit import manifests
from tests.kit.chain import Chain, Next, root_chain

POD = "10.244.1.11"
SOA = Record(name.from_text("corp.test."), codes.SOA, b"\0\0" + bytes(20), 60)
DENIED = Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=(SOA,))
NODATA = Answer(flags=codes.AA, authority=(SOA,))


class Answers(Next):
    """Knows some names, and denies all others."""

    def __init__(self, **known: Answer) -> None:
        self.known = {key.replace("_", ".") + ".": answer for key, answer in known.items()}
        super().__init__(lambda query: self.known.get(query.text, DENIED))

    @property
    def asked(self) -> list[str]:
        return [name.to_text(query.question.name) for query in self.queries]


def address(text: str, owner: str | None = None, ttl: int = 30) -> Answer:
    wire = None if owner is None else name.from_text(owner)
    octets = bytes(map(int, text.split(".")))
    return Answer(flags=codes.RA, answer=(Record(wire, codes.A, octets, ttl),))


async def by_file(tmp_path: Path, behind: Next, search: str = "search a.test b.test\n", zones: str = "") -> Chain:
    file = tmp_path / "resolv.conf"
    file.write_text(search)
    server = root_chain(f"autopath {zones} {file}", behind=behind)
    await server.fire("startup")
    return server


def lines(answer: Answer, asked: str) -> list[str]:
    return [record.to_text(name.from_text(asked)) for record in answer.answer]


async def test_the_first_entry_that_has_the_name_answers(tmp_path: Path) -> None:
    behind = Answers(web_b_test=address("192.0.2.1"))
    server = await by_file(tmp_path, behind)
    answer = server.ask("Web.a.test")
    assert behind.asked == ["Web.a.test.", "Web.b.test."]
    assert lines(answer, "Web.a.test.") == ["Web.a.test. 30 IN CNAME Web.b.test.", "Web.b.test. 30 IN A 192.0.2.1"]
    assert answer.flags == codes.RA
    assert server.registry.value("coredns_autopath_success_total", "dns://:53") == 1


async def test_the_name_alone_comes_last(tmp_path: Path) -> None:
    behind = Answers(www_example_org=address("192.0.2.80", "www.example.org."))
    answer = (await by_file(tmp_path, behind)).ask("www.example.org.a.test")
    assert behind.asked == ["www.example.org.a.test.", "www.example.org.b.test.", "www.example.org."]
    assert lines(answer, "q.") == ["q. 30 IN CNAME www.example.org.", "www.example.org. 30 IN A 192.0.2.80"]


async def test_an_answer_to_the_question_itself_stays_as_it_is(tmp_path: Path) -> None:
    known = address("192.0.2.1")
    server = await by_file(tmp_path, Answers(web_a_test=known))
    basis = server.basis_of("web.a.test")
    assert server.ask("web.a.test") is known
    assert not basis.fleeting
    basis.tallies[0](3)
    assert server.registry.value("coredns_autopath_success_total", "dns://:53") == 5


async def test_names_without_data_end_the_walk(tmp_path: Path) -> None:
    answer = (await by_file(tmp_path, Answers(web_b_test=NODATA))).ask("web.a.test")
    assert (answer.rcode, answer.answer, list(answer.authority)) == (codes.NOERROR, [], [SOA])


async def test_if_nobody_has_the_name_the_first_reply_is_sent(tmp_path: Path) -> None:
    behind = Answers(web_a_test=DENIED.replace(additional=(SOA,)))
    server = await by_file(tmp_path, behind)
    assert server.ask("web.a.test") is behind.known["web.a.test."]
    assert len(behind.queries) == 3
    assert server.basis_of("web.a.test").fleeting
    assert server.registry.value("coredns_autopath_success_total", "dns://:53") == 0


async def test_codes_are_passed_over_and_errors_end_the_walk(tmp_path: Path) -> None:
    found = address("192.0.2.1")
    server = await by_file(tmp_path, Answers(web_a_test=refuse(codes.REFUSED), web_b_test=found))
    assert server.ask("web.a.test").answer
    failed = refuse(codes.SERVFAIL, "no upstream")
    assert (await by_file(tmp_path, Answers(web_a_test=failed, web_b_test=found))).ask("web.a.test") is failed
    assert (await by_file(tmp_path, Answers(web_a_test=DENIED, web_b_test=DROP))).ask("web.a.test") is DROP


@pytest.mark.parametrize("asked", ["a.test", "A.Test", "web.b.test", "xa.test", "test"])
async def test_what_is_not_below_the_first_entry_is_not_walked(tmp_path: Path, asked: str) -> None:
    behind = Answers()
    (await by_file(tmp_path, behind)).ask(asked)
    assert len(behind.queries) == 1


async def test_aliases_of_a_cached_answer_have_its_age(tmp_path: Path) -> None:
    behind = Answers(web_b_test=address("192.0.2.1").replace(ttl=7))
    assert lines((await by_file(tmp_path, behind)).ask("web.a.test"), "q.")[0] == "q. 7 IN CNAME web.b.test."


async def test_entries_for_which_there_is_no_room_are_passed_over(tmp_path: Path) -> None:
    behind = Answers()
    long = ".".join(["y" * 63] * 3 + ["y" * 50])
    (await by_file(tmp_path, behind, f"search a.test {long}\n")).ask("web." * 10 + "a.test")
    assert len(behind.queries) == 2


async def test_zones(tmp_path: Path) -> None:
    behind = Answers()
    search = "domain x.test\n# search y.test\nsearch a.test b.test\nsearch\n"
    server = await by_file(tmp_path, behind, search, "b.test")
    server.ask("web.a.test")
    assert len(behind.queries) == 1


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    own = tmp_path / "own.conf"
    own.write_text("search node.test\nnameserver 192.0.2.53\n")
    monkeypatch.setattr(autopath, "OWN", str(own))
    folder = tmp_path / "cluster"
    folder.mkdir()
    return manifests.write(
        folder,
        manifests.namespace("shop"),
        manifests.namespace("pay"),
        manifests.service("pay", "web", ("10.96.0.1",)),
        manifests.pod("shop", "client", POD),
    )


def by_pod(folder: str, behind: Next, mode: str = "verified") -> Chain:
    return root_chain(
        f"autopath @kubernetes\nkubernetes cluster.local {{\nmanifests {folder}\npods {mode}\n}}", behind=behind
    )


async def test_a_pod_s_path(cluster: str) -> None:
    behind = Answers(printer_node_test=address("192.0.2.7"))
    server = by_pod(cluster, behind)
    async with server.running():
        answer = server.ask("web.pay.shop.svc.cluster.local", client=POD)
        assert lines(answer, "q.") == [
            "q. 5 IN CNAME web.pay.svc.cluster.local.",
            "web.pay.svc.cluster.local. 5 IN A 10.96.0.1",
        ]
        assert answer.flags == codes.AA
        answer = server.ask("printer.shop.svc.cluster.local", client=POD)
        assert lines(answer, "q.")[0] == "q. 30 IN CNAME printer.node.test."


@pytest.mark.parametrize(
    ("client", "mode", "asked"),
    [
        ("10.244.1.12", "verified", "web.pay.shop.svc.cluster.local"),
        (POD, "insecure", "web.pay.shop.svc.cluster.local"),
        (POD, "verified", "web.shop.pay.svc.cluster.local"),
        (POD, "verified", "shop.svc.cluster.local"),
        (POD, "verified", "web.cluster.local"),
        (POD, "verified", "www.example.org"),
    ],
)
async def test_who_is_no_pod_or_asks_for_something_else(cluster: str, client: str, mode: str, asked: str) -> None:
    behind = Answers()
    server = by_pod(cluster, behind, mode)
    async with server.running():
        assert server.ask(asked, client=client).answer == ()
    assert len(behind.queries) == (asked == "www.example.org")


@pytest.mark.parametrize(
    ("asked", "private"), [("web.pay.svc.cluster.local", True), ("cluster.local", False), ("www.example.org", False)]
)
async def test_only_names_that_could_be_searched_for_depend_on_the_client(
    cluster: str, asked: str, private: bool
) -> None:
    server = by_pod(cluster, Answers())
    async with server.running():
        assert server.basis_of(asked).private is private


async def test_a_plugin_that_is_not_there_or_knows_no_path() -> None:
    behind = Answers()
    server = root_chain("autopath @kubernetes", behind=behind)
    await server.fire("startup")
    server.ask("web.pay.shop.svc.cluster.local", client=POD)
    assert len(behind.queries) == 1
    with pytest.raises(ConfigError, match=r"^plugin/autopath: .*whoami does not implement the AutoPather interface"):
        await root_chain("autopath @whoami\nwhoami").fire("startup")


async def test_setup_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^plugin/autopath: .*no resolv-conf specified"):
        root_chain("autopath")
    with pytest.raises(ConfigError, match=r'failed to parse "/nowhere": open /nowhere: no such file or directory'):
        await root_chain("autopath /nowhere").fire("startup")
    for text, message in [
        ("search a..b", "label of 0 octets"),
        ("search " + " ".join(f"s{n}.test" for n in range(33)), "more than 32 search entries"),
        ("#" * 70000, "more than 65536 bytes"),
    ]:
        with pytest.raises(ConfigError, match=message):
            (await by_file(tmp_path, Next(), text))


async def test_a_query_s_name_is_asked_in_its_own_spelling(tmp_path: Path) -> None:
    behind = Answers()
    (await by_file(tmp_path, behind)).ask("WeB.A.test")
    assert behind.asked == ["WeB.A.test.", "WeB.b.test.", "WeB."]
