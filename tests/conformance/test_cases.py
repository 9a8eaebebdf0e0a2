"""Every recorded reply of CoreDNS, asked of kdns over a fake API server: `cases.yaml` and `fixture-cluster.yaml`.

The files are looked for in `KDNS_CASES` (a folder), else in `../shared/spec` beside the checkout. What kdns does
otherwise on purpose stands in `corrected.yaml`, each row with the reason.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kdns.chain.site import Process
from kdns.metrics import Registry
from kdns.plugins import available
from tests.conformance import rows, setups
from tests.conformance.stub import Stub
from tests.kit.api import FakeApi
from tests.kit.faults import Fault
from tests.kit.house import House

HERE = Path(__file__).parent
SPEC = Path(os.environ.get("KDNS_CASES", HERE.parents[1].parent / "shared" / "spec"))
OWN_ADDRESSES = ("10.244.0.53", "fd00:10:244::53")

pytestmark = pytest.mark.skipif(not (SPEC / "cases.yaml").exists(), reason=f"no cases.yaml in {SPEC}")


def groups() -> list[tuple[str, list[rows.Row]]]:
    """Rows that share a set-up, under a name for it."""
    if not (SPEC / "cases.yaml").exists():
        return []
    found: dict[str, list[rows.Row]] = defaultdict(list)
    for row in rows.read(SPEC / "cases.yaml", HERE / "corrected.yaml"):
        found[repr(dict(row.options))].append(row)
    return sorted(found.items())


def outside() -> Process:
    """The process around the server, with real clocks."""
    loop = asyncio.get_running_loop()
    return Process(Registry(), loop.time, lambda: 1_700_000_000.0, {}, "kdns", "0")


@pytest.fixture(scope="module")
def objects() -> list[Mapping[str, Any]]:
    return [
        document
        for document in yaml.load_all((SPEC / "fixture-cluster.yaml").read_text(), yaml.CSafeLoader)
        if document
    ]


@pytest.mark.parametrize(("group"), groups(), ids=lambda group: group[0][:60])
async def test_rows(
    group: tuple[str, list[rows.Row]], objects: list[Mapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, members = group
    options = members[0].options
    lacking = setups.plugins(options) - available()
    if lacking:
        pytest.skip(f"kdns does not have {', '.join(sorted(lacking))} yet")
    wrong = []
    async with FakeApi() as api, Stub() as stub:
        api.store.load(objects)
        if options.get("api") == "down":
            api.faults.append(Fault(status=503, times=1_000_000))
        house = House(
            setups.corefile(options, f"http://127.0.0.1:{api.port}", stub.address),
            addresses=OWN_ADDRESSES,
            outside=outside(),
        )
        async with house.running():
            for row in members:
                replies = await house.ask_all(row.query(), client=row.client, proto=row.proto)
                wrong += [f"{row.label}: {line}" for line in row.differences(replies)]
    assert not wrong, "\n".join(wrong)
