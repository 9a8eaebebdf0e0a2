"""Regular expressions in RE2 syntax, as CoreDNS's plugins take them, and matched in bounded time.

A pattern is the operator's, but what it is matched with (a query name) is anybody's. CoreDNS's library takes linear
time whatever the pattern; Python's takes exponential time for some, `(a+)+$` being the known one, and cannot be
stopped. So a pattern is read into a tree first. That alone decides what is accepted, and what is not has Go's error
text. Where the tree proves that Python's `re` will not try too many ways, `re` does the matching; all other patterns
run on a matcher that remembers where it has been: slower by a hundred times, but linear. Both prefer the same match, as
Go's and Perl's.

    scanner, syntax     text to tree           ambiguity           how many ways a backtracking matcher may try
    node, charset       the tree               source              tree to a pattern for `re`
                                               program, machine    tree to the linear matcher
"""

from kdns.corefile.regexp.expression import Regexp

__all__ = ["Regexp"]
