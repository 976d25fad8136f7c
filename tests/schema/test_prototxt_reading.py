"""Reading prototxt: every form that Caffe reads, and an error with its place for everything else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite import schema
from caffe_lite.errors import SchemaError
from caffe_lite.schema import LayerParameter, NetParameter, SolverParameter, parse_text


def layer(text):
    return parse_text(text, LayerParameter)


def problem(text, cls=NetParameter):
    with pytest.raises(SchemaError) as caught:
        parse_text(text, cls, "net.prototxt")
    return str(caught.value)


def test_every_form():
    read = parse_text(
        """# a comment, in ünicode
        name: 'one' "two" # strings stand together
        input: ["a", "b"] input_dim: [] ; input_dim: 0x10, input_dim: 017;
        layer < name: "l" phase: 0 include: { phase: TEST not_stage: "s" } >
        layer: [{ type: "T" loss_weight: -1.5 loss_weight: 2f, loss_weight: .5e1 }, { propagate_down: t }]
        """,
        NetParameter,
    )
    assert read == NetParameter(
        name="onetwo",
        input=["a", "b"],
        input_dim=[16, 15],
        layer=[
            LayerParameter(
                name="l",
                phase=schema.TRAIN,
                include=[schema.NetStateRule(phase=schema.TEST, not_stage=["s"])],
            ),
            LayerParameter(type="T", loss_weight=[-1.5, 2, 5]),
            LayerParameter(propagate_down=[True]),
        ],
    )


def test_an_empty_message_is_present():
    assert layer("relu_param {}").HasField("relu_param")
    assert parse_text("# nothing\n", NetParameter) == NetParameter()


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("t", True), ("1", True), ("false", False), ("f", False), ("0", False)],
)
def test_booleans(text, value):
    assert list(layer(f"propagate_down: {text}").propagate_down) == [value]


def test_floats_that_are_no_numbers():
    weights = layer("loss_weight: inf loss_weight: -Infinity loss_weight: nan loss_weight: 1e99").loss_weight
    assert (weights[0], weights[1], weights[3]) == (math.inf, -math.inf, math.inf)
    assert math.isnan(weights[2])


def test_escapes():
    text = r'"a\n\t\"\'\\\?\x41\101\u00e9\303\251\U0001F600"'
    assert layer(f"name: {text}").name == "a\n\t\"'\\?AAéé😀"
    assert parse_text(r'data: "\000\xff\377"', schema.Datum).data == b"\0\xff\xff"


def test_the_place_is_shown():
    text = 'name: "n"\nlayer {\n\tname: "l"\n\tpooling_param { kernel_sise: 3 }\n}\n'
    assert problem(text) == (
        "net.prototxt:4:18: PoolingParameter has no field kernel_sise. "
        "Did you mean kernel_size, kernel_w or kernel_h?\n"
        "  \tpooling_param { kernel_sise: 3 }\n"
        "  \t                ^"
    )


def test_a_long_line_is_cut_around_the_place():
    shown = problem('name: "' + "x" * 5000 + '" nam: 1').splitlines()
    assert all(len(line) < 160 for line in shown)
    assert shown[1][shown[2].index("^") :] == "nam: 1"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        # unknown names, and where they belong
        ("nam: 1", "1:1", "Did you mean name?"),
        ("base_lr: 1", "1:1", "It is a field of a solver"),
        ("layer { kernel_size: 3 }", "1:9", "inside convolution_param or pooling_param"),
        ("layer { blobs_lr: 1 }", "1:9", "the older `layers { ... }`"),
        ("layers { batch_norm_param {} }", "1:10", "the newer `layer { ... }`"),
        ("layer { convolution_parm {} }", "1:9", "Did you mean convolution_param"),
        ("qqqqqqqq: 1", "1:1", "NetParameter has no field qqqqqqqq."),
        ("layer { include { layer { } } }", "1:19", "Is a `}` missing before it?"),
        # values of another kind
        ("layer { type: CONVOLUTION }", "1:15", "a type of the older `layers { ... }`"),
        ("layer { type: Pooling }", "1:15", 'Write "Pooling" in quotes.'),
        ("name: 3", "1:7", "name takes a string, found `3`"),
        ('layers { type: "Convolution" }', "1:16", "belongs to the newer `layer { ... }`"),
        ('layer { phase: "TEST" }', "1:16", "Write TEST without quotes."),
        ("layer { phase: TETS }", "1:16", "takes one of TRAIN, TEST, found `TETS`. Did you mean TEST?"),
        ("layer { phase: 2 }", "1:16", "takes one of TRAIN, TEST, found `2`."),
        ("layer { phase: 0.5 }", "1:16", "takes one of TRAIN, TEST, found `0.5`."),
        ("layer { pooling_param { stride: 1.5 } }", "1:33", "takes a whole number, found `1.5`."),
        ("layer { pooling_param { stride: -2 } }", "1:33", "takes 0 to 4294967295, found `-2`."),
        ("input_dim: 2147483648", "1:12", "found `2147483648`."),
        ("input_dim: 08", "1:12", "a whole number, found `08`."),
        ("input_dim: " + "9" * 9999, "1:12", "a whole number"),
        ("layer { loss_weight: x }", "1:22", "takes a number, found `x`."),
        ("layer { loss_weight: 0x1f }", "1:22", "takes a number, found `0x1f`."),
        ("force_backward: yes", "1:17", "takes true or false, found `yes`."),
        ('layer: "x"', "1:8", 'layer is a message (LayerParameter): expected `{`, found `"x"`.'),
        (r'name: "\q"', "1:7", r"`\q` is no escape"),
        (r'name: "\U99999999"', "1:7", "is no escape"),
        (r'name: "\377"', "1:7", "not UTF-8"),
        # structure
        ('name "x"', "1:6", "Expected `:` after name"),
        ("name:", "1:6", "found the end of the file"),
        ("name: }", "1:7", "takes a string, found `}`."),
        ("layer {\n name: 'a'", "1:7", "This `{` is never closed by `}`."),
        ("layer < name: 'a' }", "1:19", "Expected the name of a field, found `}`."),
        ("}", "1:1", "Is one too many"),
        ("input_dim: [1 2]", "1:15", "Expected `,` or `]`, found `2`."),
        ("name: [1]", "1:7", "found `[`"),
        ('\nname: "x', "2:7", "This string is not closed"),
        ("input_dim: 3x", "1:12", "neither a number nor a name"),
        ('name: "a" name: "b"', "1:11", "name is given twice in this NetParameter"),
        ("state {} state {}", "1:10", "state is given twice"),
        ("layer { clip_param { min: 1 } }", "1:20", "ClipParameter needs max to be given."),
        ("layer {" * 100_000, "1:8", "Is a `}` missing before it?"),
        ("layer { name: " + "[" * 100_000, "1:15", "name takes a string, found `[`."),
    ],
)
def test_problem(text, place, words):
    shown = problem(text)
    assert shown.startswith(f"net.prototxt:{place}: ")
    assert words in shown.splitlines()[0]


def test_a_net_given_for_a_solver():
    assert "It is a field of a net" in problem('layer { name: "x" }', SolverParameter)


NAMES = "layer name type pooling_param phase TEST include loss_weight input_dim inf"
SYMBOLS = "{ } < > : [ ] , - 1 0.5 1e9999 # \\ é ' \" 'a'"
WORDS = [*NAMES.split(), *SYMBOLS.split(), "\n"]


@given(st.one_of(st.text(), *(st.lists(st.sampled_from(WORDS)).map(gap.join) for gap in ("", " "))))
def test_any_text_is_a_message_or_a_schema_error(text):
    try:
        message = parse_text(text, NetParameter)
    except SchemaError:
        return
    assert parse_text(schema.format_text(message), NetParameter) == message or "nan" in text.lower()
