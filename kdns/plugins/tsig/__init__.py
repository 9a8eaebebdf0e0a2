"""tsig: signed queries are verified, and their replies signed (RFC 8945).

::

    tsig [ZONE...] {
        secret NAME KEY
        secrets FILE
        require QTYPE...|all|none
        require_opcode OPCODE...|all|none
    }

Queries for names in ZONE, by default the zones of the block, whose signature is good are answered with signed replies.
Plugins behind `tsig` do not see the signature. Others get NOTAUTH: BADKEY for a key that is not known, BADSIG for a
signature or an algorithm that is wrong, BADTIME for clocks that differ by more than the client allows. A reply that
does not fit with its signature is the question alone, to be asked again over TCP. Queries for other names pass.

    secret          a key, its secret in base64; names of keys are compared without case
    secrets         keys from FILE, in the way of named.conf: `key "NAME" {`, `secret "KEY";` and `};` in lines of
                    their own; `algorithm` lines do not matter
    require         types that are refused without a signature; default none
    require_opcode  the same for the opcodes QUERY, IQUERY, STATUS, NOTIFY and UPDATE

The keys of all blocks of a listener count for all of them. The algorithms are HMAC-SHA1, SHA-224, SHA-256, SHA-384 and
SHA-512, with whole MACs. Nothing that was signed is kept for other queries. Zones that `transfer` sends are signed in
every message, also in blocks without `tsig` if another one of the listener has the key. Queries and NOTIFY of kdns
itself are not signed. A secret that is no base64 is warned about, and what is signed with it is BADSIG.

Errors: all are "Wrong argument count or unexpected line ending after 'X'" with the reason behind it: a key without
secret, 'key "X" redefined', a FILE that cannot be read, 'unexpected token "X"', 'expected key name "LINE"', 'expected
secret key "LINE"', 'expected secret for key "X"', "unknown query type 'X'", "unknown opcode 'X'", "unknown property
'X'", and `tsig` twice. Metrics: none.

Example::

    example.org:1053 {
        tsig {
            secret axfr.example.org. NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk=
            require AXFR IXFR
        }
        transfer {
            to *
        }
        whoami
    }
"""

from dataclasses import dataclass, field

from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, ConfigError, Line
from kdns.plugins.tsig import keys
from kdns.plugins.tsig.handler import Required, TsigServer
from kdns.plugins.tsig.keys import KeyMistake
from kdns.wire import codes
from kdns.wire.signing import Secrets


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    options = Options()
    first, *others = args
    zones = Zones(first.zones(args.zones))
    for option in first.block():
        _read(option, options)
    for line in others:
        raise _mistake(line, "this plugin can only be used once per Server Block")
    site.offer(Keys(keys.secrets(options.texts)))
    types, opcodes = options.types, options.opcodes
    site.chain("tsig", lambda next_: TsigServer(next_, zones, types, opcodes))


@dataclass(slots=True)
class Options:
    """What the block says; `texts` are secrets as written, by the name of their key."""

    texts: dict[str, str] = field(default_factory=dict)
    types: Required = field(default_factory=Required)
    opcodes: Required = field(default_factory=Required)


class Keys:
    """Implements `chain.roles.Keyholder`."""

    def __init__(self, secrets: Secrets) -> None:
        self.tsig_secrets = secrets


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "secret":
            words = option.rest()
            if len(words) != 2:
                raise option.wrong_count()
            _add(option, options, {keys.normal(words[0]): words[1]})
        case "secrets":
            words = option.rest()
            if len(words) != 1:
                raise option.wrong_count()
            try:
                _add(option, options, keys.read(words[0]))
            except KeyMistake as mistake:
                raise _mistake(option, str(mistake)) from mistake
        case "require":
            options.types = _required(option, options.types, codes.TYPE_NUMBERS, "query type")
        case "require_opcode":
            options.opcodes = _required(option, options.opcodes, _OPCODE_NUMBERS, "opcode")
        case _:
            raise _mistake(option, f"unknown property '{option.name}'")


_OPCODE_NUMBERS = {name: number for number, name in codes.OPCODES.items() if number <= codes.UPDATE}


def _add(option: Line, options: Options, found: dict[str, str]) -> None:
    for name, text in found.items():
        if name in options.texts:
            raise _mistake(option, f'key "{name}" redefined')
        options.texts[name] = text


def _required(option: Line, before: Required, numbers: dict[str, int], what: str) -> Required:
    """What an option says; the last one with names counts, and `all` stays for good."""
    words = option.some()
    if words[0] == "all":
        return Required(everything=True)
    if words[0] == "none":
        return Required(everything=before.everything)
    for word in words:
        if word not in numbers:
            raise _mistake(option, f"unknown {what} '{word}'")
    return Required(frozenset([numbers[word] for word in words]), before.everything)


def _mistake(line: Line, reason: str) -> ConfigError:
    """CoreDNS says the first half only (`plugins.md`, tsig), whatever is wrong."""
    return line.error(f"{line.wrong_count().message}: {reason}")
