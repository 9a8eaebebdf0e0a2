"""What load generators say, and who is asked to make which load."""

from pathlib import Path

import pytest

from tests.bench.load import Generator, Load, read_dnsperf, read_own

DNSPERF = """
  Queries sent:         1000
  Queries completed:    990 (99.00%)
  Queries lost:         10 (1.00%)
  Response codes:       NOERROR 900 (90.91%), SERVFAIL 90 (9.09%)
  Run time (s):         2.000000
"""
OWN = '{"seconds": 1, "answered": 10, "lost": 0, "rcodes": {"0": 7, "3": 3}, "p50_us": 8.5, "p99_us": 9, "max_us": 12}'


def test_what_dnsperf_says() -> None:
    outcome = read_dnsperf(DNSPERF)
    assert (outcome.answered, outcome.lost, outcome.rate) == (990, 10, 495)
    assert outcome.complaint() == "9.0% failed (NOERROR, SERVFAIL)"
    with pytest.raises(ValueError, match="dnsperf said: no such file"):
        read_dnsperf("no such file")


def test_what_our_own_says() -> None:
    outcome = read_own(OWN)
    assert outcome.rcodes == {"NOERROR": 7, "NXDOMAIN": 3}
    assert (outcome.p50_us, outcome.max_us, outcome.complaint()) == (8.5, 12, "")


def test_dnsperf_makes_what_it_can() -> None:
    generator = Generator(Path("load"), "dnsperf", frozenset({0}), Path())
    assert generator.says(Load("mix"), 2).startswith("dnsperf -c 20 -q 200")
    assert generator.says(Load("mix", cookies=True, mixed_case=True), 2) == "load -k -x -c 20 -q 200 -l 2"
    assert generator.says(Load("mix", rate=5000), 2) == "load -c 20 -r 5000 -l 2"
    assert (
        Generator(Path("load"), "", frozenset({0}), Path()).says(Load("mix", tcp=True), 2)
        == "load -t -c 20 -q 200 -l 2"
    )
