"""Replies as they are sent, shown to who asked to see them (`Basis.witness`). Listeners without taps run none of it."""

from kdns.chain.answer import Answer
from kdns.chain.query import Query
from kdns.server.reply import Encode


def witnessed(encode: Encode) -> Encode:
    """Makes messages as `encode` does, and shows each."""

    def shown(query: Query, answer: Answer) -> bytes:
        octets = encode(query, answer)
        witness = query.basis.witness
        if witness is not None:
            witness(octets)
        return octets

    return shown
