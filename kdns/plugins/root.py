"""root: the directory that relative file names in a block start from.

::

    root PATH

Applies to all plugins of the block that read files, whatever the order of the lines; a later PATH replaces an earlier.
A directory that does not exist is only warned of, since it may appear later.

Errors: no PATH, "unable to access root path 'X': ...". Metrics: none.

Example::

    .:1053 {
        root /etc/kdns
        hosts local.hosts example.org {
            192.0.2.1 www.example.org
            fallthrough
        }
        whoami
    }
"""

import logging
import os

from kdns.chain.site import Site
from kdns.corefile import Arguments

log = logging.getLogger("kdns.root")


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        site.root = line.text()
        try:
            os.stat(site.root)
        except FileNotFoundError:
            log.warning("Root path does not exist: %s", site.root)
        except (OSError, ValueError) as error:
            raise line.error(f"unable to access root path '{site.root}': {error}") from error
