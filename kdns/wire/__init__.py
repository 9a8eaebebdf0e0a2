"""The DNS wire format: names, records, questions and messages as bytes; knows nothing of kdns.

Everything here is pure and bounded: it reads hostile packets and raises nothing but `WireError`.
"""
