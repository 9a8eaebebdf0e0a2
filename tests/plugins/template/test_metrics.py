from tests.kit.chain import root_chain

MATCHES = "coredns_template_matches_total"
TEMPLATES = "coredns_template_template_failures_total"
RECORDS = "coredns_template_rr_failures_total"
WHERE = ("dns://:53", "example.", "", "IN", "A")


def test_matches_and_those_answered_from_the_memo() -> None:
    chain = root_chain("template ANY ANY example {\nmatch ^a\n}")
    basis = chain.basis_of("a.example", "A")
    chain.ask("a.example", "MX")
    chain.ask("b.example")
    assert chain.registry.value(MATCHES, *WHERE) == 1
    assert chain.registry.value(MATCHES, *WHERE[:4], "MX") == 1
    for tally in basis.tallies:
        tally(5)
    assert chain.registry.value(MATCHES, *WHERE) == 6


def test_the_view_of_the_block() -> None:
    chain = root_chain("view office\ntemplate ANY ANY example {\nrcode NXDOMAIN\n}")
    chain.ask("a.example")
    assert chain.registry.value(MATCHES, *WHERE[:2], "office", *WHERE[3:]) == 1


def test_failures_by_section_and_template() -> None:
    chain = root_chain(
        "template IN A example {\nmatch ^bad\n"
        'authority "{{   .Name}} A x"\nfallthrough\n}\n'
        'template IN A example {\nadditional "a {{index .Match  9}}"\n}'
    )
    chain.ask("bad.example")
    chain.ask("worse.example")
    assert chain.registry.value(RECORDS, *WHERE, "authority", "{{.Name}} A x") == 1
    assert chain.registry.value(TEMPLATES, *WHERE, "additional", "a {{index .Match 9}}") == 1
    assert chain.registry.value(MATCHES, *WHERE) == 2
