"""The catalogue of error messages: that it is what the source says, and that a test provokes each message."""

import pytest

from caffe_lite.errors import ParameterError
from tools.errors.advice import advice_on, own_remedy
from tools.errors.examples import example_of, existing_tests, fitting, read_examples
from tools.errors.page import page
from tools.errors.recorder import Recorder, shown
from tools.errors.sites import ROOT, find_kinds, find_sites
from tools.errors.table import ADVICE

AGAIN = "; run `make errors`, or `make errors TESTS=tests/...` with the tests that changed"
PATH = "caffe_lite/errors.py"
SOURCE = '''
class CaffeError(Exception):
    """The root."""

class SizeError(CaffeError):
    """A size that cannot be.

    More."""

class Layer:
    def setup(self, size):
        if size == 7:
            raise SizeError(f"a size of {size} is unlucky: "
                            "give 8")
        problem = "it is even"
        if size % 2:
            problem = f"it is {size}, which is odd"
        self.fail(SizeError, f"{problem}; give {size + 1}")

def outer(size):
    try:
        Layer().setup(size)
    except SizeError as error:
        raise CaffeError(str(error))
    raise CaffeError(_why(size))

def _why(size):
    if size:
        return "no reason at all"
    return f"the size {size} has none"
'''


@pytest.fixture(scope="module")
def sites():
    return find_sites()


@pytest.fixture
def example_sites(tmp_path):
    (tmp_path / "caffe_lite").mkdir()
    (tmp_path / "caffe_lite" / "errors.py").write_text(SOURCE)
    return find_sites(tmp_path)


def test_the_page_is_made_from_the_source(sites):
    written = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert page(sites, find_kinds(), read_examples()) == written, f"docs/errors.md is stale{AGAIN}"


def test_every_message_is_provoked_by_a_test(sites):
    examples = read_examples()
    untested = sorted(f"{site.path}: {site.template}" for site in sites if example_of(site, examples) is None)
    assert not untested, "no test is known to provoke these:\n" + "\n".join(untested) + AGAIN


def test_the_tests_that_provoke_them_exist():
    named = {each["test"] for known in read_examples().values() for each in known.values()}
    assert existing_tests(named) == named, f"some tests are gone{AGAIN}"
    assert existing_tests({"tests/tools/test_errors.py::test_none", "tests/none.py::test_x"}) == set()


def test_every_class_has_advice(sites):
    assert {site.kind for site in sites if not site.hands_on} <= set(ADVICE)
    assert set(ADVICE) <= set(find_kinds())
    for site in (site for site in sites if not site.hands_on):
        assert advice_on(site.kind, site.path, site.template).remedy.endswith(".")


def test_templates(example_sites):
    assert [(site.path, site.kind, site.template) for site in example_sites] == [
        (PATH, "SizeError", "a size of … is unlucky: give 8"),
        (PATH, "SizeError", "it is even; give …"),
        (PATH, "SizeError", "it is …, which is odd; give …"),
        (PATH, "CaffeError", "…"),
        (PATH, "CaffeError", "the size … has none"),
        (PATH, "CaffeError", "no reason at all"),
    ]
    assert [site.hands_on for site in example_sites] == [False, False, False, True, False, False]
    assert example_sites[0].begin == example_sites[0].end - 1


def test_a_function_of_the_same_name_in_another_file(tmp_path, example_sites):
    (tmp_path / "caffe_lite" / "other.py").write_text("from caffe_lite.errors import CaffeError\n"
                                                      "def fail(): raise CaffeError(_why())\n"
                                                      'def _why(): return "quite another reason"\n')
    assert [site.template for site in find_sites(tmp_path) if site.path != PATH] == ["quite another reason"]
    assert [site for site in find_sites(tmp_path) if site.path == PATH] == example_sites


def test_kinds(tmp_path, example_sites):
    assert find_kinds(tmp_path) == {"CaffeError": "", "SizeError": "A size that cannot be."}


def test_the_recorder_knows_lines_and_words(sites):
    [site] = [site for site in sites if site.template.startswith("average_loss is …")]
    recorder = Recorder([site], {})
    code = compile("\n" * (site.begin - 1) + "note(ParameterError(text))", str(ROOT / site.path), "exec")
    elsewhere = compile("note(ParameterError(text))", str(ROOT / site.path), "exec")

    def note(error):
        recorder.note(error, "tests/x.py::test_y")

    for each, text in ((elsewhere, "average_loss is 0: the mean needs 1 loss or more"), (code, "something else")):
        exec(each, {"note": note, "ParameterError": ParameterError, "text": text})
        assert not any(recorder.found.values())
    exec(code, {"note": note, "ParameterError": ParameterError, "text": "average_loss is 0: the mean needs 1 loss or more"})
    assert example_of(site, recorder.found) == {
        "example": "average_loss is 0: the mean needs 1 loss or more", "test": "tests/x.py::test_y"}


def test_what_no_longer_fits_is_forgotten(sites):
    [site] = [site for site in sites if site.template.startswith("average_loss is …")]
    here, message = "tests/tools/test_errors.py::test_templates", "average_loss is 0: the mean needs 1 loss or more"
    for test, example, fits in ((here, message, True), (f"{here}_of_old", message, False), (here, "average_loss is 0", False)):
        examples = {site.path: {site.template: {"example": example, "test": test}}}
        assert fitting(sites, examples) == (examples if fits else {})


def test_folders_of_a_run_are_not_shown():
    assert shown(f"/tmp/pytest-of-me/pytest-3/test_x0/net.prototxt and {ROOT}/a.txt: 127.0.0.1:43127") == (
        "net.prototxt and a.txt: 127.0.0.1:8000")
    assert shown("the folder is /tmp/pytest-of-me/pytest-3/test_x0.\na\x00b") == "the folder is /home/you.\na\\x00b"


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("tiles is 0: set tile_param { tiles: ... } to 1 or more", "set tile_param { tiles: ... } to 1 or more"),
        ("data.mdb is truncated; make or copy it again", "make or copy it again"),
        ("given are 2; givens count", None),
        ("the mean needs 1 loss or more", None),
    ],
)
def test_the_remedy_in_a_message(message, remedy):
    assert own_remedy(message) == remedy


