"""Authoritative zones: what a zone holds, and what it says about a name (RFC 1034 section 4.3.2)."""

from kdns.chain.zone.data import Node, Zone, build
from kdns.chain.zone.lookup import Finding, Kind, find

__all__ = ["Node", "Zone", "build", "Finding", "Kind", "find"]
