import json
import logging
import stat
from pathlib import Path

import pytest

from kdns.plugins.tls.certificate import read
from kdns.plugins.tls.store import MAX_FILE, Account, StorageError, Store, safe
from tests.kit.acme import Root

CA = "https://acme-v02.api.letsencrypt.org/directory"
ISSUER = "acme-v02.api.letsencrypt.org-directory"
ROOT = Root(lambda: 1_700_000_000.0)
KEPT = read("*.dns.example", *ROOT.pair("*.dns.example"))
ACCOUNT = Account("https://ca.example/acct/1", b"key")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path), CA)


def test_certificates_lie_where_coredns_looks(store: Store, tmp_path: Path) -> None:
    assert store.certificate("*.dns.example") is None
    store.keep("*.dns.example", KEPT)
    site = tmp_path / "certificates" / ISSUER / "wildcard_.dns.example"
    assert sorted(each.name for each in site.iterdir()) == [
        f"wildcard_.dns.example.{kind}" for kind in ("crt", "json", "key")
    ]
    assert json.loads((site / "wildcard_.dns.example.json").read_text())["sans"] == ["*.dns.example"]
    assert store.certificate("*.dns.example") == KEPT
    assert Store(str(tmp_path), "https://other.example/").certificate("*.dns.example") is None


def test_accounts_lie_where_coredns_looks(store: Store, tmp_path: Path) -> None:
    assert store.account("Host.Master@Example.org") is None
    store.keep_account("Host.Master@Example.org", ACCOUNT)
    user = tmp_path / "acme" / ISSUER / "users" / "host.master@example.org"
    assert (user / "host.master.key").read_bytes() == b"key"
    about = json.loads((user / "host.master.json").read_text())
    assert about["location"] == ACCOUNT.url
    assert about["contact"] == ["mailto:Host.Master@Example.org"]
    assert store.account("host.master@example.org") == ACCOUNT
    store.forget_account("host.master@example.org")
    store.forget_account("host.master@example.org")
    assert store.account("host.master@example.org") is None
    store.keep_account("", ACCOUNT)
    assert (tmp_path / "acme" / ISSUER / "users" / "default" / "default.key").exists()


def test_nobody_else_reads_them(store: Store, tmp_path: Path) -> None:
    store.keep("*.dns.example", KEPT)
    store.keep_account("", ACCOUNT)
    for each in (tmp_path / "certificates").rglob("*"), (tmp_path / "acme").rglob("*"):
        for path in each:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_is_broken_counts_as_missing(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.keep("*.dns.example", KEPT)
    path = Path(store.paths("*.dns.example")[1])
    path.write_bytes(ROOT.pair("x")[1])
    assert store.certificate("*.dns.example") is None
    store.keep_account("a@b", ACCOUNT)
    (about,) = tmp_path.rglob("a.json")
    for wrong in ("{", "[]", "{}", '{"location": 1}', "[" * 100_000):
        about.write_text(wrong)
        assert store.account("a@b") is None
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert caplog.messages[0].endswith(".crt: certificate and key do not belong together")
    assert caplog.messages[1:] == [f"{about}: not an account"] * 5


def test_what_cannot_be_read_or_written_is_an_error_with_its_path(store: Store, tmp_path: Path) -> None:
    chain, _ = map(Path, store.paths("*.dns.example"))
    chain.mkdir(parents=True)
    with pytest.raises(StorageError, match=rf"^open {chain}: is a directory$"):
        store.certificate("*.dns.example")
    with pytest.raises(StorageError, match=rf"^write {chain}: "):
        store.keep("*.dns.example", KEPT)
    chain.rmdir()
    chain.write_bytes(bytes(MAX_FILE + 1))
    with pytest.raises(StorageError, match=rf"^{chain}: more than {MAX_FILE} octets$"):
        store.certificate("*.dns.example")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=rf"^write {tmp_path}/file/rw_test_\w+: not a directory$"):
        Store(str(tmp_path / "file"), CA).try_out()


def test_a_trial_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.try_out()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("*.A b", "wildcard_.a_b"),
        ("a+b@c", "a_plus_b@c"),
        ("localhost:14000-dir", "localhost-14000-dir"),
        ("../../etc", "etc"),
        ("ü/x", "x"),
    ],
)
def test_one_component_of_a_path(text: str, path: str) -> None:
    assert safe(text) == path
