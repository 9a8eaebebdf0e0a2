"""TLS towards upstreams: the option `tls [CERT KEY] [CA]`, with CoreDNS's meanings and texts."""

import ssl


def context(*files: str) -> ssl.SSLContext:
    """A client's context for none (system CAs), one (CA), two (certificate, key) or three (both) PEM files. Blocks.

    Peers are always verified, from TLS 1.2 on. Raises ValueError.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if len(files) > 1:
        try:
            made.load_cert_chain(files[0], files[1])
        except OSError as error:
            raise ValueError(f"could not load TLS cert: {_reason(error)}") from error
    if len(files) in (1, 3):
        _trust(made, files[-1])
    else:
        made.load_default_certs()
    return made


def _trust(made: ssl.SSLContext, file: str) -> None:
    try:
        made.load_verify_locations(file)
    except ssl.SSLError as error:
        raise ValueError(f"could not read root certs: {file}: {_reason(error)}") from error
    except OSError as error:
        raise ValueError(f"error reading {file}: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    return (error.strerror or str(error)).lower()
