"""Kubernetes as a source of objects: credentials, list and watch, a folder of manifests, and the index over them.

Knows no DNS. A change to an object enters the index in one tick and returns the keys that it touched.
"""
