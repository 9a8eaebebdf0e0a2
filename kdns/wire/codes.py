"""Numbers of the DNS protocol and their mnemonics (IANA "Domain Name System (DNS) Parameters").

Plain integers, not enumerations: they are compared on every query.
"""

# Opcodes
QUERY, STATUS, NOTIFY, UPDATE = 0, 2, 4, 5
OPCODE, OPCODE_SHIFT = 0x7800, 11

# Header flags (RFC 1035 section 4.1.1, RFC 4035 section 3)
QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
FLAGS = ((QR, "qr"), (AA, "aa"), (TC, "tc"), (RD, "rd"), (RA, "ra"), (Z, "z"), (AD, "ad"), (CD, "cd"))

# Response codes (RFC 6895 section 2.3)
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
YXDOMAIN, YXRRSET, NXRRSET, NOTAUTH, NOTZONE, BADVERS = 6, 7, 8, 9, 10, 16
BADSIG, BADKEY, BADTIME = 16, 17, 18
"""Errors of TSIG records (RFC 8945 section 3), the first of which shares its number with BADVERS."""
RCODES = {
    NOERROR: "NOERROR",
    FORMERR: "FORMERR",
    SERVFAIL: "SERVFAIL",
    NXDOMAIN: "NXDOMAIN",
    NOTIMP: "NOTIMP",
    REFUSED: "REFUSED",
    YXDOMAIN: "YXDOMAIN",
    YXRRSET: "YXRRSET",
    NXRRSET: "NXRRSET",
    NOTAUTH: "NOTAUTH",
    NOTZONE: "NOTZONE",
    BADVERS: "BADVERS",
    17: "BADKEY",
    18: "BADTIME",
    19: "BADMODE",
    20: "BADNAME",
    21: "BADALG",
    22: "BADTRUNC",
    23: "BADCOOKIE",
}
RCODE_NUMBERS = {name: number for number, name in RCODES.items()}

# Classes
IN, CH, HS, NONE, ANY_CLASS = 1, 3, 4, 254, 255
CLASSES = {IN: "IN", 2: "CS", CH: "CH", HS: "HS", NONE: "NONE", ANY_CLASS: "ANY"}
CLASS_NUMBERS = {name: number for number, name in CLASSES.items()}

# Types
A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA, SRV = 1, 2, 5, 6, 12, 13, 15, 16, 28, 33
DNAME, OPT, DS, RRSIG, NSEC, DNSKEY, SVCB, HTTPS, TSIG = 39, 41, 43, 46, 47, 48, 64, 65, 250
IXFR, AXFR, ANY = 251, 252, 255
TYPES = {
    A: "A", NS: "NS", 3: "MD", 4: "MF", CNAME: "CNAME", SOA: "SOA", 7: "MB", 8: "MG", 9: "MR", 10: "NULL",
    PTR: "PTR", HINFO: "HINFO", 14: "MINFO", MX: "MX", TXT: "TXT", 17: "RP", 18: "AFSDB", 19: "X25", 20: "ISDN",
    21: "RT", 23: "NSAP-PTR", 24: "SIG", 25: "KEY", 26: "PX", 27: "GPOS", AAAA: "AAAA", 29: "LOC", 30: "NXT",
    31: "EID", 32: "NIMLOC", SRV: "SRV", 34: "ATMA", 35: "NAPTR", 36: "KX", 37: "CERT", DNAME: "DNAME", OPT: "OPT",
    42: "APL", DS: "DS", 44: "SSHFP", 45: "IPSECKEY", RRSIG: "RRSIG", NSEC: "NSEC", DNSKEY: "DNSKEY", 49: "DHCID",
    50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 56: "NINFO", 57: "RKEY", 58: "TALINK",
    59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC", 63: "ZONEMD", SVCB: "SVCB", HTTPS: "HTTPS",
    99: "SPF", 100: "UINFO", 101: "UID", 102: "GID", 103: "UNSPEC", 104: "NID", 105: "L32", 106: "L64", 107: "LP",
    108: "EUI48", 109: "EUI64", 128: "NXNAME", 249: "TKEY", TSIG: "TSIG", IXFR: "IXFR", AXFR: "AXFR", 253: "MAILB",
    254: "MAILA", ANY: "ANY", 256: "URI", 257: "CAA", 258: "AVC", 260: "AMTRELAY", 261: "RESINFO", 32768: "TA",
    32769: "DLV",
}  # fmt: skip
TYPE_NUMBERS = {name: number for number, name in TYPES.items()}

OPCODES = {QUERY: "QUERY", 1: "IQUERY", STATUS: "STATUS", NOTIFY: "NOTIFY", UPDATE: "UPDATE", 6: "DSO"}

# EDNS (RFC 6891) and its options
DO = 0x8000
NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE = 3, 9, 10, 11, 12, 15


def type_name(number: int) -> str:
    """Mnemonic of a type, `TYPE123` for one without (RFC 3597 section 5)."""
    return TYPES.get(number) or f"TYPE{number}"


def class_name(number: int) -> str:
    """Mnemonic of a class, `CLASS123` for one without (RFC 3597 section 5)."""
    return CLASSES.get(number) or f"CLASS{number}"


def rcode_name(number: int) -> str:
    """Mnemonic of a response code, `RCODE123` for one without."""
    return RCODES.get(number) or f"RCODE{number}"


def flag_names(flags: int) -> str:
    """Set header flags in wire order, comma separated, as in CoreDNS's log: `qr,aa,rd`."""
    return ",".join(name for bit, name in FLAGS if flags & bit)
