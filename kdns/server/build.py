"""From the text of a Corefile to an instance that can be started: setups in chain order, chains, listeners.

Setup runs directive by directive, and within one directive block by block (`corefile.md` section 1), so that the
hooks of all blocks come to stand in the order of the chain. Nothing here opens a socket or starts a task.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module

from kdns import plugins
from kdns.chain.fastpath import fast_path
from kdns.chain.handler import End, Handler, let_deny
from kdns.chain.roles import Filter
from kdns.chain.site import Process, Site
from kdns.chain.zones import Zones
from kdns.corefile import Address, Arguments, ConfigError, Corefile, Disk, ServerBlock, block_addresses, overlay, parse
from kdns.server import plan
from kdns.server.dispatch import Block
from kdns.server.instance import Instance
from kdns.server.source import BUILT_IN, Input

_log = logging.getLogger("kdns")


def read(source: Input, process: Process, *, known_words: bool = True) -> Corefile:
    """Parse a Corefile with the words that kdns has, the built-in one if it has no server block, and its ConfigMap.

    Without `known_words` any word will do. Reads imported files, so it blocks. Raises `ConfigError`.
    """
    known = plugins.available() if known_words else None
    absent, environ = plugins.ABSENT, process.environ
    corefile = parse(source.text, source.file, known=known, absent=absent, reader=Disk(), environ=environ)
    return overlay(corefile if corefile.blocks else parse(BUILT_IN, source.file, known=known), source.kube_dns)


def build(corefile: Corefile, process: Process, dns_port: int, twins: Sequence[Site] = ()) -> Instance:
    """Set up every block. Raises `ConfigError` for the first thing that is wrong, with its place.

    In a further process `twins` are the blocks of the first one's instance, made of the same Corefile.
    """
    for warning in corefile.warnings:
        _log.warning("%s", warning)
    instance = Instance(process)
    with ExitStack() as undo:
        undo.callback(instance.abandon)
        for number, block in enumerate(corefile.blocks):
            keys = block_addresses(block.keys, dns_port)
            _check_transports(block, keys)
            twin = twins[number] if twins else None
            instance.sites.append(Site(keys, process, instance, instance.hooks, twin))
        _set_up(corefile.blocks, instance.sites)
        try:
            listeners = plan.listeners([_wish(site) for site in instance.sites])
        except plan.Conflict as conflict:
            raise corefile.blocks[conflict.block].keys[0].error(str(conflict)) from conflict
        if any(listener.transport == "https" for listener in listeners):
            import_module("kdns.net.https")  # which takes a while, and should not do so on the loop
        deepest = Zones(zone for site in instance.sites for zone in site.zones).deepest
        filtered = any(site.find(Filter) for site in instance.sites)  # type: ignore[type-abstract]
        blocks = [_block(site, deepest, filtered=filtered) for site in instance.sites]
        instance.assemble(blocks, listeners)
        undo.pop_all()
    return instance


def _check_transports(block: ServerBlock, keys: Sequence[Address]) -> None:
    for key in keys:
        if key.transport in plan.ABSENT:
            what = f"{plan.ABSENT[key.transport]} ({key.transport}://) is absent on purpose"
            raise block.keys[0].error(f"cannot serve {key}: {what}; dns://, tls:// and https:// are there")


def _wish(site: Site) -> plan.Wish:
    hosts = (plan.WILDCARD,) if site.listen.hosts is None else tuple(site.listen.hosts)
    return plan.Wish(site.keys, hosts, bool(site.find(Filter)))  # type: ignore[type-abstract]


def _set_up(blocks: Sequence[ServerBlock], sites: Sequence[Site]) -> None:
    used = {directive.name for block in blocks for directive in block.directives}
    for word in plugins.ORDER:
        if word not in used:
            continue
        setup = plugins.setup_of(word)
        for block, site in zip(blocks, sites, strict=True):
            for directive in block.directives:
                if directive.name == word:
                    arguments = Arguments(directive, site.zones)
                    try:
                        setup(arguments, site)
                        arguments.finish()
                    except ConfigError as error:
                        raise error.within(word) from error


def _block(site: Site, deepest: int, *, filtered: bool) -> Block:
    """A block with its links, the outermost first, if it has any.

    The longest zone of the configuration has `deepest` labels; a block may be `filtered`, chosen by more than its zone.
    """
    if not site.links:
        return Block(site, None)
    handler: Handler = End(site.links[-1][0])
    handlers: list[Handler] = []
    for _, link in reversed(site.links):
        handler = link(handler)
        handlers.append(handler)
    if filtered:
        return Block(site, handler)
    let_deny(reversed(handlers), deepest)
    return Block(site, handler, fast_path(reversed(handlers)))
