"""The door: the server's own command line, Go style, and the operator's tools beside it."""
