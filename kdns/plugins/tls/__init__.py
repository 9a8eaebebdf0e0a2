"""tls: the certificate that a block's encrypted transports show.

::

    tls CERT KEY [CA] {
        client_auth nocert|request|require|verify_if_given|require_and_verify
        keylog FILE
    }
    tls {
        acme DOMAIN...          certificates for these, at most 100, are obtained and renewed by ACME
        email ADDRESS           of the account with the CA
        ca URL                  directory of the CA; Let's Encrypt's by default
        storage DIR             where accounts, certificates and keys are kept; .coredns/acme by default
        ca_root FILE            PEM, CAs to trust for the connection to the CA besides those of the system
        resolver HOST:PORT      the DNS server that finds the CA; by default whom the system asks
    }

CERT, KEY and CA are PEM files, from `root` on if relative, as DIR and FILE are. They serve the keys of the block that
begin with `tls://` (DNS over TLS, port 853) and `https://` (DNS over HTTPS, port 443, HTTP/2 and HTTP/1.1), from
TLS 1.2 on. Without `tls` these transports are in clear text, for a proxy in front that encrypts. A reload reads the
files anew, and new connections get the new certificate. Where several blocks share a listener, the last one with `tls`
decides.

`client_auth` says whether clients show a certificate: never (`nocert`, the default), only valid ones if any
(`verify_if_given`), or always a valid one (`require_and_verify`); valid is what CA signed, or else a CA of the system.
`request`, which asks and believes anything, asks for nothing here, as nothing looks at the answer. `require`, which
CoreDNS takes for any certificate at all, wants a valid one here. `keylog` appends the secrets of all connections to
FILE, for tools that look into captured packets.

`acme` needs a package more: `pip install kdns[acme]`. Each DOMAIN, which may be a wildcard, has a certificate of its
own; clients get the one for the name they ask for, or the first domain's if they name none. That a domain is ours is
proven by DNS (DNS-01): while an order is under way, `_acme-challenge.DOMAIN` TXT is answered in every block of the
configuration whose zones hold it, with TTL 0. So the delegation of the domain has to lead here on port 53, and with
several replicas to the one that orders. The CA's terms of use are taken as agreed to.

A listener is open at once; handshakes fail until there is a certificate. What DIR has is shown from the start, also
what CoreDNS left there, and nothing is ordered while it is good. Renewal begins when a third of the lifetime is left,
or when the CA says so (RFC 9773, asked every 6 hours). Replicas that share DIR take turns and find what another
obtained; two orders run at a time. A failure is an error in the log, and tried again after 1 minute, doubled up to
6 hours; what was shown stays. An order takes at most 5 minutes and 200 requests of 30 s and 512 KiB, all encrypted:
`http://` only for a CA near by (private addresses, `localhost`, `.local`, `.internal`, `.home.arpa`).

Errors: one, or more than three files, "could not load TLS cert: ...", "error reading X: ...", "could not read root
certs: ...", "unknown authentication type 'X'", "unknown option 'X'", 'unable to write TLS Key Log to "X": ...';
"ACME requires at least one domain", 'invalid ACME domain "X"', 'ACME domain "X" is configured with conflicting
options', 'invalid ACME CA URL "X"', 'invalid ACME resolver "X": ...', 'invalid ACME resolver port "X"', 'reading ACME
CA root "X": ...', 'ACME CA root "X" contains no certificates', 'ACME storage "X" is not a directory', 'ACME option "X"
can only be specified once', 'unknown ACME option "X"'; no package `acme`. Metrics: none.

Example::

    tls://.:1853 https://.:1443 {
        tls tests/kit/tls/server.crt tests/kit/tls/server.key
        whoami
    }
    .:1053 {
        whoami
    }
    tls://.:2853 {
        tls {
            acme dns.example.org *.dns.example.org
            email hostmaster@example.org
            ca https://ca.example.org/directory
            storage /var/lib/kdns/acme
        }
        whoami
    }
"""

from collections.abc import Mapping

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.plugins.tls import files


def setup(args: Arguments, site: Site) -> None:
    """Read the directive; of several the last one counts. Raises `ConfigError`."""
    for line in args:
        named = line.rest()
        if not named:
            site.listen.tls = _obtained(line, site)
        elif 2 <= len(named) <= 3:
            site.listen.tls = files.contexts(line, site, [site.path(file) for file in named])
        else:
            raise line.wrong_count()


def _obtained(line: Line, site: Site) -> Mapping[str, object]:
    """Contexts of certificates by ACME."""
    try:
        from kdns.plugins.tls.domains import of
        from kdns.plugins.tls.options import read
    except ImportError as error:
        raise line.error("the package acme is not installed: pip install kdns[acme]") from error
    try:
        return of(site).add(read(line, site.path)).front
    except ValueError as error:
        raise line.error(str(error)) from error
