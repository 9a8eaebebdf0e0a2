from kdns.plugins.template.text.node import Chain, Field, Identifier, Text, Tree, Variable


def test_normal_form() -> None:
    assert str(Field(0, ("A", "B"))) == ".A.B"
    assert str(Variable(0, "$x", ("A",))) == "$x.A"
    assert str(Chain(0, Identifier(0, "f"), ("A",))) == "f.A"


def test_white_space_is_an_empty_template() -> None:
    assert Tree("t", "t", "", [Text(0, " \n")]).is_empty()
    assert not Tree("t", "t", "", [Text(0, "x")]).is_empty()
