"""Moves bytes between a socket and something with `hit` and `miss`: UDP, TCP, TLS, HTTP, and towards upstreams.

Knows neither DNS plugins nor Kubernetes. Every queue, connection count and wait in here is bounded.
"""
