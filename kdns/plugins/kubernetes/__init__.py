"""Serve the names of a Kubernetes cluster from an index that is kept equal to the API.

    kubernetes [ZONES...] {
        endpoint URL                            API server; in-cluster account if neither this nor kubeconfig is given
        tls CERT KEY CACERT                     files for `endpoint`
        kubeconfig FILE [CONTEXT]               takes precedence over `endpoint` and `tls`
        manifests DIR                           objects from a folder of YAML files (kdns's own)
        apiserver_qps FLOAT                     list requests a second, 0 is client-go's default of 5
        apiserver_burst INT                     ... and how many at once, 0 is 10
        apiserver_max_inflight INT              requests that may run at a time, 0 is no limit
        namespaces NAMESPACE...                 only these namespaces
        namespace_labels SELECTOR               only namespaces with these labels; not together with `namespaces`
        labels SELECTOR                         only Services, EndpointSlices and Pods with these labels
        pods disabled|insecure|verified         names like 10-1-2-3.NAMESPACE.pod; disabled
        endpoint_pod_names                      endpoints without a hostname are named after their pods
        ttl SECONDS                             0 to 3600; 5
        noendpoints                             do without EndpointSlices
        ignore empty_service                    Services without ready endpoints do not exist
        fallthrough [ZONES...]                  names that do not exist go to the next plugin
        multicluster ZONES...                   zones of the directive that serve ServiceImports (MCS)
        zonal                                   names for the endpoints of one zone: VALUE.pin|prefer._zone.SERVICE...
        startup_timeout DURATION                names of the zones wait so long for the first sync; 5s
    }

Once in a block. ZONES default to the zones of the block; one of them has to be a forward zone.

Rights needed: list and watch on services, namespaces and endpointslices; on pods for `pods verified`, on serviceimports
for `multicluster`. Until everything was loaded once, names that are not there get SERVFAIL instead of NXDOMAIN. An API
server that goes away takes no name with it.

Example::

    cluster.local in-addr.arpa ip6.arpa {
        kubernetes {
            manifests deploy/demo/cluster
            pods insecure
            ttl 30
        }
    }

Metrics: `coredns_kubernetes_dns_programming_duration_seconds{service_kind}`,
`coredns_kubernetes_rest_client_request_duration_seconds{verb,host}`,
`coredns_kubernetes_rest_client_rate_limiter_duration_seconds{verb,host}`,
`coredns_kubernetes_rest_client_requests_total{code,method,host}`.
"""

import logging

from kdns.chain.handler import Handler
from kdns.chain.site import Site
from kdns.cluster.credentials import CredentialsError
from kdns.corefile import Arguments
from kdns.plugins.kubernetes.clients import Clients
from kdns.plugins.kubernetes.external import External
from kdns.plugins.kubernetes.feed import Feed
from kdns.plugins.kubernetes.handler import Kubernetes
from kdns.plugins.kubernetes.identity import Identity
from kdns.plugins.kubernetes.labels import Labels
from kdns.plugins.kubernetes.options import read
from kdns.plugins.kubernetes.paths import Paths
from kdns.plugins.kubernetes.pointers import Pointers
from kdns.plugins.kubernetes.services import Services
from kdns.plugins.kubernetes.transfer import Transfers, World

_log = logging.getLogger("kdns.kubernetes")


def setup(arguments: Arguments, site: Site) -> None:
    """Read the directive, and have the cluster followed from the start of the instance on."""
    options = read(arguments)
    line = arguments.once()
    for warning in options.warnings:
        _log.warning("%s", warning)
    try:
        feed = Feed(options, site)
    except CredentialsError as error:
        raise line.error(str(error)) from error
    local = tuple(site.listen.hosts) if site.listen.hosts else site.process.addresses()
    index = feed.mirror.index

    def link(behind: Handler) -> Handler:
        return Kubernetes(
            behind, options, index, lookup=site.lookup, local=local, synced=feed.ready, settled=feed.settled
        )

    site.chain("kubernetes", link)
    site.offer(feed)
    clients = Clients(index, options)
    site.offer(Labels(options, clients))
    site.offer(Paths(options, clients))
    services = Services(index, options)
    site.offer(External(index, services, local, feed.ready))
    identity = Identity(index, local, pod_names=options.endpoint_pod_names)
    world = World(index, services, identity, Pointers(index, services, options))
    site.offer(Transfers(options, world, feed.ready))
    site.once.startup.append(feed.start)
    site.once.settle.append(feed.settle)
    site.hooks.shutdown.append(feed.release)
