"""How questions are answered: queries, answers, the chain, and the memo; knows neither Kubernetes nor sockets."""
