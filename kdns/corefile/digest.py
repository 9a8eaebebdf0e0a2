"""The fingerprint of a configuration, by which `reload` notices a change (spec plugins.md, reload).

SHA-512 over CoreDNS's own JSON of the parsed form: keys, and tokens with file and line, by directive. Comments and
blanks count only as far as they move tokens to other lines; imported files and the environment count by what they bring
in.
"""

import hashlib
import json
from typing import Final

from kdns.corefile.tree import Corefile

# Go's encoder also escapes what HTML and JavaScript would trip over.
_ESCAPES: Final = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def digest(corefile: Corefile) -> str:
    """128 hexadecimal digits, the same as CoreDNS's for the same configuration."""
    blocks = [
        {
            "Keys": [key.text for key in block.keys],
            "Tokens": {
                directive.name: [
                    # CoreDNS leaves the name of the Corefile itself empty.
                    {"File": token.file if token.file != corefile.file else "", "Line": token.line, "Text": token.text}
                    for token in directive.tokens
                ]
                for directive in sorted(block.directives, key=lambda directive: directive.name)
            },
        }
        for block in corefile.blocks
    ]
    text = json.dumps(blocks or None, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
    return hashlib.sha512(text.encode("utf-8", "surrogateescape")).hexdigest()
