"""Assembly: Corefile to plan, plan to chains, chains to running listeners; swap on reload; drain on stop.

The only room that knows all the others, and it names no plugin: those come through `kdns.plugins`.
"""
