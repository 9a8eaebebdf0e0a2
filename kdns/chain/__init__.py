"""How a question is answered: queries, answers, handlers, zones, and the memo with the basis that keeps it true.

Pure: knows neither Kubernetes nor sockets nor the clock. Handlers return an answer; nobody writes to a writer.
"""
