"""The Corefile: text in, server blocks of keys and directives out, every error with its file, line and word.

    corefile = parse(text, "Corefile", known=..., absent=..., reader=Disk(), environ=os.environ)
    for block in corefile.blocks:
        addresses = block_addresses(block.keys)
        for directive in block.directives:
            setup(Arguments(directive, zones))

Pure but for `files`, which reads what `import` names. `Arguments` is the cursor that every plugin's setup reads with.
"""

from kdns.corefile.address import (
    DEFAULT_PORTS,
    Address,
    block_addresses,
    key_addresses,
    normalize_zone,
    split_scheme,
    split_zone,
)
from kdns.corefile.arguments import Arguments
from kdns.corefile.digest import digest
from kdns.corefile.duration import format_duration, parse_duration
from kdns.corefile.errors import ConfigError, ConfigWarning, Kind
from kdns.corefile.files import Disk, decode
from kdns.corefile.imports import NoFiles, Reader
from kdns.corefile.kubedns import KubeDns
from kdns.corefile.line import Line
from kdns.corefile.overlay import CLUSTER, overlay
from kdns.corefile.parser import parse
from kdns.corefile.regexp import Regexp
from kdns.corefile.token import Token
from kdns.corefile.tree import Corefile, Directive, ServerBlock
from kdns.corefile.values import (
    Network,
    parse_host_port,
    parse_integer,
    parse_network,
    parse_number,
    parse_port,
)

__all__ = [
    "parse",
    "Corefile",
    "ServerBlock",
    "Directive",
    "Token",
    "Reader",
    "NoFiles",
    "Disk",
    "decode",
    "digest",
    "CLUSTER",
    "KubeDns",
    "overlay",
    "ConfigError",
    "ConfigWarning",
    "Kind",
    "Address",
    "DEFAULT_PORTS",
    "block_addresses",
    "key_addresses",
    "normalize_zone",
    "split_scheme",
    "split_zone",
    "Arguments",
    "Line",
    "Regexp",
    "Network",
    "parse_integer",
    "parse_number",
    "parse_host_port",
    "parse_port",
    "parse_network",
    "parse_duration",
    "format_duration",
]
