"""Python 2 to Python 3."""

from __future__ import annotations

import ast
import builtins
import sys

import numpy as np
import pytest

pytest.importorskip("fissix", reason="fissix, which reads Python 2, is not installed")

from caffe_lite.notebook import python2


def run(source):
    """The names that a source of Python 2 defines."""
    python2.supply()
    tree = python2.Division().visit(ast.parse(python2.convert(source)))
    names = {"np": np}
    exec(compile(tree, "<test>", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def tidy(monkeypatch):
    """What is supplied goes again."""
    monkeypatch.setattr(builtins, python2.DIVIDE, None, raising=False)
    for name in python2.MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print 'a', 7", "a 7\n"),
        ("print 'a',\nprint 'b'", "a b\n"),
        ("print", "\n"),
        ("print ('a {}'.format(1))", "a 1\n"),
        ("for k, v in {1: 2}.iteritems(): print k, v", "1 2\n"),
        ("print zip('ab', [1, 2]), map(str, range(2)), {3: 4}.keys()[0]", "[('a', 1), ('b', 2)] ['0', '1'] 3\n"),
        ("print [i for i in xrange(3)], 0777, 5L, 1 <> 2, `8`", "[0, 1, 2] 511 5 True 8\n"),
        ("try:\n    raise ValueError, 'no'\nexcept ValueError, error:\n    print error", "no\n"),
        ("import cPickle, StringIO\nprint cPickle.loads(cPickle.dumps(6)), StringIO.StringIO('x').read()", "6 x\n"),
        ("exec 'x = 3'\nprint x", "3\n"),
        ("print('a', file=None)", "a\n"),
        ("", ""),
    ],
)
def test_words(source, printed, capsys):
    run(source)
    assert capsys.readouterr().out == printed


def test_imports_stay_as_they_are_for_the_cells_that_come_later():
    for source in ("import cPickle\n", "import StringIO\n", "from urllib2 import urlopen\n", "import caffe\n"):
        assert python2.convert(source) == source


def test_what_is_no_python_stays_as_it_is():
    assert python2.convert("what is this?") == "what is this?"
    assert python2.convert("  'unclosed") == "  'unclosed"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -4),
        ("7 / 2.", 3.5),
        ("True / 2", 0),
        ("(1 + 8 / 3) / 2", 1),
        ("np.int64(7) / 2", 3),
        ("7 // 2", 3),
        ("np.float32(7) / 2", 3.5),
        ("7 / 2 if True else 1 / 0", 3),
    ],
)
def test_division(expression, value):
    assert run(f"x = {expression}")["x"] == value


def test_division_of_arrays():
    names = run("x = np.array([7, -7]) / 2\ny = np.array([7.]) / 2\nz = 7 / np.array([2, 2], np.uint8)")
    assert [names[name].tolist() for name in "xyz"] == [[3, -4], [3.5], [3, 3]]


def test_division_in_place():
    names = run("a = b = np.array([7, 9])\na /= 2\nx = [7, 8.]\ni = iter([0, 1])\nx[0] /= 2\nx[1] /= 16\nf = g = np.ones(2)\nf /= 4\n"
                "class C: n = 5\nC.n /= 2")  # fmt: skip
    assert names["a"] is names["b"]
    assert names["b"].tolist() == [3, 4]
    assert names["x"] == [3, 0.5]
    assert names["g"].tolist() == [0.25, 0.25]
    assert names["C"].n == 2


def test_a_program_may_ask_for_true_division():
    assert run("from __future__ import division\nx = 7 / 2")["x"] == 3.5
    division = python2.Division()  # of a notebook: it counts for the cells after that one
    assert "classic" not in ast.unparse(division.visit(ast.parse("from __future__ import division")))
    assert ast.unparse(division.visit(ast.parse("7 / 2"))) == "7 / 2"
