"""geoip: where clients are, as labels for `view`, `log` and others.

::

    geoip DBFILE {
        edns-subnet
    }

DBFILE is a MaxMind database of cities, countries or autonomous systems, of either address family. It is read once, at
the start and at a reload; a relative name starts from the working directory. Answers are left as they are: all that
this plugin does is to give the query labels, and that only with `metadata` in the same block.

- `edns-subnet` looks up the address of the EDNS client subnet option (RFC 7871) if the query has one. Whoever asks
  can send any.

Labels, all as text: `geoip/city/name`, `geoip/country/code`, `geoip/country/name`,
`geoip/country/is_in_european_union` (true or false), `geoip/continent/code`, `geoip/continent/name`,
`geoip/latitude`, `geoip/longitude`, `geoip/timezone`, `geoip/postalcode`, `geoip/subdivisions/code` (separated by
commas); from a database of autonomous systems `geoip/asn/number` and `geoip/asn/org`. What the database does not know
of an address is empty, the number 0.

The package `maxminddb` has to be there: `pip install kdns[geoip]`.

Errors: no DBFILE or several, a second directive, an unknown property; a file that cannot be read, is no MaxMind
database, or one of something else; no package `maxminddb`. Metrics: none.

Example::

    example.org:1053 {
        metadata
        geoip deploy/demo/places.mmdb {
            edns-subnet
        }
        view europe {
            expr metadata('geoip/continent/code') == 'EU'
        }
        hosts {
            192.0.2.80 www.example.org
        }
    }
    example.org:1053 {
        hosts {
            198.51.100.80 www.example.org
        }
    }
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.plugins.geoip.subnet import subnet

_PREFIX = "geoip/"


def setup(args: Arguments, site: Site) -> None:
    """Read the directive, and the database. Raises `ConfigError`."""
    first, *others = args
    path = first.text()
    first.end()
    if others:
        others[0].text()
        raise others[0].error("configuring multiple databases is not supported")
    by_subnet = False
    for option in first.block():
        if option.name != "edns-subnet":
            raise option.error(f'unknown property "{option.name}"')
        by_subnet = True
    site.offer(GeoIP(_database(first, path), by_subnet=by_subnet))
    site.chain("geoip", lambda next_: next_)


class Places(Protocol):
    """What a database knows."""

    def labels(self, address: IPv4Address | IPv6Address) -> dict[str, str] | None:
        """The labels of an address, without `geoip/`; `None` if it cannot be looked up."""
        ...


def _database(line: Line, path: str) -> Places:
    try:
        from kdns.plugins.geoip.database import Database, Unusable
    except ImportError as error:
        raise line.error("the package maxminddb is not installed: pip install kdns[geoip]") from error
    try:
        return Database(path)
    except Unusable as error:
        raise line.error(str(error)) from error


class GeoIP:
    """Knows where queries come from (`chain.roles.MetadataProvider`)."""

    def __init__(self, places: Places, *, by_subnet: bool) -> None:
        self._places = places
        self._by_subnet = by_subnet

    def metadata_of(self, query: Query, label: str) -> str | None:
        """The value of a label, `None` if it is not one of these."""
        if not label.startswith(_PREFIX):
            return None
        address = subnet(query.edns) if self._by_subnet else None
        found = self._places.labels(address or ip_address(query.client[0]))
        return None if found is None else found.get(label.removeprefix(_PREFIX))
