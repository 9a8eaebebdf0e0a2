"""What may go wrong before the first packet."""


class ListenError(Exception):
    """A socket that cannot be opened; the text is complete and in CoreDNS's words (`corefile.md` section 6)."""
