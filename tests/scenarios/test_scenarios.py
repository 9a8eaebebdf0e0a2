"""Conversations with a server, one a file (`*.scenario`): objects, questions, replies, changes, questions again.

Each is held three times with kdns: in process, over UDP and over TCP. Any other server is asked, over UDP and TCP, by

    KDNS_SUBJECT_COMMAND="coredns -conf {corefile} -dns.port {port}" pytest tests/scenarios    started for each scenario
    KDNS_SUBJECT=127.0.0.1:53 KDNS_SUBJECT_API=8001 KDNS_SUBJECT_UPSTREAM=8053 pytest ...      runs already

The second one watches the API server that a scenario brings up on port 8001 and forwards to port 8053, with the
Corefile of `world.DEFAULT`; scenarios with a Corefile of their own are skipped. KDNS_SUBJECT_NAME says what scenarios
call it ("kdns"), KDNS_SUBJECT_HOST an address of its machine. A command is called what its program is called.

A file is a list of statements. A statement begins a line, an indented block may belong to it, `#` begins a comment.

    $ORIGIN shop.svc.cluster.local.     names without a final dot end in this from here on; TTLs are 5 without one,
    $TTL 30                             or as said here
    only kdns: REASON                   other servers are not asked at all

    corefile                            the Corefile in the block; without this statement, `world.DEFAULT`. In it, in
                                        objects and in files: ${API} URL of the API server, ${UPSTREAM} address of the
                                        resolver, ${MANIFESTS} a folder with the same objects as YAML, ${DIR} the
                                        scenario's folder, ${HOST} an address of the server's machine, ${PORT} its port,
                                        ${PLACES} a database of geoip, in which all clients are in Europe
    apply                               create or replace objects: YAML documents, or lists of objects
    delete KIND [NAMESPACE/]NAME
    upstream [NAME]                     what the resolver ${UPSTREAM}, or ${NAME}, knows from now on; see `table.py`
    file PATH / remove PATH             write the block to a file in ${DIR}, or remove a file
    reload                              the server reads its Corefile again
    api down | up                       the API server goes away or comes back, on its old port
    api refuse STATUS | serve           it refuses every request, or none any more
    api cut | compact                   it breaks all watches, or forgets its history (410 for all old versions)
    wait 3s                             let time pass (kdns is just told that it is later)

    ask NAME TYPE... [OPTION...]        one question for each type, with the same reply. Options: udp tcp (whatever the
        RCODE [FLAG...]                 run is), edns=SIZE do version=N option=CODE:HEX, cd ad norecurse, class=CH,
        [OWNER] [TTL] TYPE DATA         opcode=NOTIFY, turning (asked again until each answer has been the first),
        authority ...                   inorder (the answer as it is written, record by record)
        additional ...
        edns SIZE [do] [CODE:HEX...]
        differs SERVER: REASON
            RCODE ...
    raw HEX                             the same for any octets
    asked [UPSTREAM] NAME TYPE TIMES    how often the resolver was asked this since the last `asked` or `upstream`

The server is started at the first question. What is expected: the code; the flags of aa tc ra ad cd (RD, id and
question are always as in the query, the question octet by octet; `noquestion` if there is none, `otherrd` if RD is what
the query has not); the records of each section, as a multiset, exactly. OWNER is the name asked if left out, TTL may be
a range (`25-30`), DATA `*` for any, the serial of a SOA `SERIAL`, and `...` allows further records (`... 40`: that many
in all). `edns none` means no OPT record; EDNS is looked at only where it is written. Instead of all this: `no reply`.

Before the first change a question is asked once; after a change it is asked until the reply is right, for up to 5 s, or
90 s with a server that runs already: it waits longer each time it has lost the API server.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.api import FakeApi
from tests.kit.store import Store
from tests.scenarios import text
from tests.scenarios.subjects import Running, Subject, subjects
from tests.scenarios.world import World, clear, scenarios

HERE = Path(__file__).parent
RUNNING = os.environ.get("KDNS_SUBJECT", "")


@pytest.mark.parametrize(
    ("made", "path"),
    [
        pytest.param(make, path, id=f"{path.stem}-{name}")
        for path in scenarios(HERE)
        for name, make in subjects(os.environ).items()
    ],
)
async def test_scenario(
    made: Callable[[], Subject], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, subject = text.read(path), made()
    if scenario.only and subject.name not in scenario.only:
        pytest.skip(f"only {' and '.join(scenario.only)}: {', '.join(scenario.only.values())}")
    # What kdns does at leisure is done at once: to try a lost API server again, to look whether all is loaded at the
    # start, to look at a folder.
    monkeypatch.setattr("kdns.cluster.backoff.FIRST", 0.02)
    monkeypatch.setattr("kdns.plugins.kubernetes.feed.LOOK", 0.005)
    monkeypatch.setattr("kdns.cluster.manifests.INTERVAL", 0.02)
    async with World(scenario, subject, tmp_path) as world:
        await world.run()


@pytest.mark.skipif(not RUNNING, reason="KDNS_SUBJECT names no server that runs already")
@pytest.mark.parametrize("proto", ["udp", "tcp"])
async def test_scenarios_with_a_running_server(proto: str, tmp_path: Path) -> None:
    """All in one test: a server whose API server went away between scenarios would take its time to come back."""
    wrong, held = [], 0
    # Versions that no run before has seen, so the server has to list again.
    api = FakeApi(Store(version=int(time.time() * 1000)))
    await api.start(port=int(os.environ["KDNS_SUBJECT_API"]))
    try:
        for scenario in map(text.read, scenarios(HERE)):
            subject = Running(RUNNING, proto)
            if scenario.corefile or (scenario.only and subject.name not in scenario.only):
                continue
            held += 1
            clear(api)
            try:
                async with World(scenario, subject, tmp_path, api, int(os.environ["KDNS_SUBJECT_UPSTREAM"])) as world:
                    await world.run()
            except AssertionError as error:
                wrong.append(str(error))
            # The resolver's sockets close in the loop's next turn; the next one wants the same port.
            await asyncio.sleep(0.01)
    finally:
        await api.stop()
    assert not wrong, f"{len(wrong)} of {held} scenarios:\n" + "\n".join(wrong)
