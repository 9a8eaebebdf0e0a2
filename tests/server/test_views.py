"""Which of several blocks of a zone has a query (`corefile.md` section 7), and what is counted of it."""

from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from kdns.server.dispatch import Dispatch
from kdns.server.views import Views
from kdns.wire import codes
from kdns.wire.edns import Edns
from tests.kit.house import House, packet

OFFICE, HOME = "10.1.2.3", "192.0.2.7"


def block(zone: str, address: str, view: str = "", more: str = "") -> str:
    """A block that answers every name of its zone with one address."""
    text = f"view v{address.rpartition('.')[2]} {{\nexpr {view}\n}}" if view else ""
    return f"{zone} {{\n{text}\nhosts {{\n{address} www.a.example a.example x.b.example www.example\n}}\n{more}\n}}\n"


async def address(house: House, name: str, rtype: str = "A", **how: str) -> str:
    """The last number of the address that a name has, or the code of the reply."""
    reply = await house.ask(name, rtype, **how)  # type: ignore[arg-type]
    data = [record.data for record in reply.answer]
    return str(data[0][-1]) if data else codes.rcode_name(reply.rcode)


IN_OFFICE = "incidr(client_ip(), '10.0.0.0/8')"


@pytest.mark.parametrize(
    ("blocks", "office", "home"),
    [
        ([block(".", "0.0.0.1", IN_OFFICE), block(".", "0.0.0.2")], "1", "2"),
        ([block(".", "0.0.0.2"), block(".", "0.0.0.1", IN_OFFICE)], "2", "2"),
        ([block(".", "0.0.0.1", IN_OFFICE)], "1", "REFUSED"),
        ([block(".", "0.0.0.1", IN_OFFICE), block(".", "0.0.0.2", "true")], "1", "2"),
        ([block(".", "0.0.0.1", "true"), block(".", "0.0.0.2", "true")], "1", "1"),
        ([block("a.example", "0.0.0.1", IN_OFFICE), block("example", "0.0.0.2")], "1", "2"),
        ([block("example", "0.0.0.2"), block("a.example", "0.0.0.1", IN_OFFICE)], "1", "2"),
        (
            [block("a.example", "0.0.0.1", IN_OFFICE), block("example", "0.0.0.2", "false"), block(".", "0.0.0.3")],
            "1",
            "3",
        ),
        ([block("a.example", "0.0.0.1", IN_OFFICE), block(".", "0.0.0.3", "false"), block(".", "0.0.0.4")], "1", "4"),
        ([block("a.example", "0.0.0.1", IN_OFFICE), block("b.example", "0.0.0.3")], "1", "REFUSED"),
        (["a.example {\n}\n", block("a.example", "0.0.0.1", IN_OFFICE), block(".", "0.0.0.2")], "REFUSED", "REFUSED"),
        ([block("a.example", "0.0.0.1", "false"), ". {\n}\n", block(".", "0.0.0.2", IN_OFFICE)], "2", "REFUSED"),
    ],
)
async def test_the_first_block_that_takes_it(blocks: list[str], office: str, home: str) -> None:
    async with House("".join(blocks)).running() as house:
        assert await address(house, "www.a.example", client=OFFICE) == office
        assert await address(house, "www.a.example", client=HOME) == home


async def test_the_parent_side_answers_for_ds() -> None:
    text = (
        "a.example {\nview child {\nexpr true\n}\nwhoami\n}\n"
        "example {\nview first {\nexpr client_ip() != '192.0.2.7'\n}\nchaos\n}\n"
        "example {\nwhoami\n}\n"
        ". {\nwhoami\n}\n"
    )
    async with House(text).running() as house:
        assert (await house.ask("www.a.example", "DS", client=OFFICE)).rcode == codes.SERVFAIL
        assert (await house.ask("www.a.example", "A", client=OFFICE)).rcode == codes.NOERROR
        assert (await house.ask("www.a.example", "DS", client=HOME)).rcode == codes.NOERROR
        assert (await house.ask("www.org", "DS", client=HOME)).rcode == codes.NOERROR


@pytest.mark.parametrize(
    ("view", "taken", "how"),
    [
        ("type() == 'A'", "A", {}),
        ("do()", "A", {"edns": Edns(1232, codes.DO)}),
        ("bufsize() == 1232", "A", {"edns": Edns(1232)}),
        ("proto() == 'tcp'", "A", {"proto": "tcp"}),
        ("name() startsWith 'www.'", "A", {}),
        ("server_port() == '53'", "A", {}),
        ("server_ip() == '10.244.0.53'", "A", {}),
        ("opcode() == 0 and class() == 'IN'", "A", {}),
    ],
)
async def test_what_may_be_asked(view: str, taken: str, how: dict[str, str]) -> None:
    text = block(".", "0.0.0.1", view) + block(".", "0.0.0.2")
    async with House(text).running() as house:
        assert await address(house, "www.a.example", taken, **how) == "1"


async def test_metadata_is_there_before_the_filters() -> None:
    view = "metadata('kubernetes/service') == 'web'"
    labels = "metadata\nkubernetes cluster.local {\nmanifests deploy/demo/cluster\nfallthrough\n}"
    text = block(".", "0.0.0.1", view, labels).replace("www.example\n", "web.shop.svc.cluster.local\nfallthrough\n")
    async with House(text + block(".", "0.0.0.2")).running() as house:
        assert await address(house, "web.shop.svc.cluster.local") == "1"
        assert await address(house, "www.a.example") == "2"


async def test_lookups_in_the_course_of_a_query_choose_again(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text("@ SOA ns.zone. hm.zone. 1 2 3 4 5\n@ NS ns.zone.\nalias CNAME www.a.example.\n")
    file = f". {{\nview a {{\nexpr name() startsWith 'alias.'\n}}\nfile {zone} zone\n}}\n"
    async with House(file + block(".", "0.0.0.1", IN_OFFICE) + block(".", "0.0.0.2")).running() as house:
        for client, last in ((OFFICE, 1), (HOME, 2), (OFFICE, 1)):
            reply = await house.ask("alias.zone", client=client)
            assert [record.data[-1] for record in reply.answer if record.type == codes.A] == [last]


async def test_a_listener_without_views_pays_nothing() -> None:
    text = ".:53 {\nwhoami\n}\n.:54 {\nview a\nwhoami\n}\n"
    async with House(text).running() as house:
        kinds = [type(house.service(port=port)._dispatch) for port in (53, 54)]
        assert kinds == [Dispatch, Views]


async def test_the_view_is_a_label_of_metrics() -> None:
    body = "prometheus 127.0.0.1:0\nacl {\nallow\n}\ncache\nwhoami\n"
    text = f". {{\nview office {{\nexpr {IN_OFFICE}\n}}\n{body}}}\n. {{\n{body}}}\n"
    house = House(text)
    async with house.running():
        for client in (OFFICE, OFFICE, HOME):
            await house.ask("www.example", client=client)
        value = house.process.registry.value
        where = ("dns://:53", ".")
        name = "coredns_dns_requests_total"
        assert value(name, *where, "office", "udp", "1", "A") == 2
        assert value(name, *where, "", "udp", "1", "A") == 1
        assert value("coredns_acl_allowed_requests_total", "dns://:53", "office") == 2
        assert value("coredns_cache_requests_total", *where, "office") == 2
        assert value("coredns_plugin_enabled", *where, "office", "view") == 1
        assert value("coredns_plugin_enabled", *where, "", "whoami") == 1


async def test_what_no_block_takes_is_dropped() -> None:
    house = House(". {\nview none {\nexpr false\n}\nwhoami\n}\n")
    async with house.running():
        assert (await house.ask("www.example")).rcode == codes.REFUSED
        dropped = house.process.registry.value
        assert dropped("coredns_dns_responses_total", "dns://:53", "dropped", "", "REFUSED", "") == 1


async def test_notify_is_for_blocks_that_take_it() -> None:
    text = ". {\nview none {\nexpr client_ip() == '10.1.2.3'\n}\nwhoami\n}\n"
    async with House(text).running() as house:
        notify = packet("example", "SOA", flags=codes.NOTIFY << codes.OPCODE_SHIFT)
        reply = await house.ask_raw(notify, client=OFFICE)
        assert reply is not None
        assert reply[3] & 15 == codes.NOTIMP


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (". {\nwhoami\n}\n. {\nwhoami\n}\n", "cannot serve dns://.:53 - it is already defined"),
        (
            ". {\nwhoami\n}\n. {\nbind 127.0.0.1\nview a\nwhoami\n}\n",
            "cannot serve dns://.:53 on 127.0.0.1 - zone overlap listener capacity with dns://.:53",
        ),
        (
            ". {\nbind 127.0.0.1\nwhoami\n}\n. {\nview a\nwhoami\n}\n",
            "cannot serve dns://.:53 - zone overlap listener capacity with dns://.:53 on 127.0.0.1",
        ),
    ],
)
def test_blocks_that_no_view_tells_apart(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        House(text)


@pytest.mark.parametrize(
    "text",
    [
        ". {\nview a\nwhoami\n}\n. {\nwhoami\n}\n",
        ". {\nwhoami\n}\n. {\nview a\nwhoami\n}\n",
        ". {\nview a\nwhoami\n}\n. {\nview b\nwhoami\n}\n",
        '. {\nview ""\nwhoami\n}\n. {\nwhoami\n}\n',
        ". {\nbind 127.0.0.1\nview a\nwhoami\n}\n. {\nwhoami\n}\n",
        ". {\nview a\nwhoami\n}\n. {\nbind 127.0.0.1\nwhoami\n}\n",
    ],
)
def test_blocks_that_a_view_tells_apart(text: str) -> None:
    House(text)
