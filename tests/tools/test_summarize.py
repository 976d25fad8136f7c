"""``summarize.py``."""

from __future__ import annotations

NET = """
layer { name: "in" type: "Input" top: "data" top: "label" }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" param { name: "w" lr_mult: 2 } param { decay_mult: 0 }
        convolution_param { num_output: 6 kernel_size: 5 stride: 2 pad: 1 group: 3 } }
layer { name: "p" type: "Pooling" bottom: "c" top: "c" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "d" type: "Deconvolution" bottom: "c" top: "d" convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 } }
layer { name: "py" type: "Python" bottom: "lost" top: "l" loss_weight: 0.5 python_param { module: "m" layer: "L" } }
"""


def test_a_net(extra, tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(NET)
    assert extra.run("summarize", tmp_path / "net.prototxt", "-w", "9") == 0
    assert capsys.readouterr().out.splitlines() == [
        "in Input                  -> \033[92mdata\033[0m, \033[93m\033[1;4mlabel\033[0m       ",
        "c  Convolution (w x2.0, Dx0.0) \033[92mdata\033[0m -> \033[94mc\033[0m 5/2+1 6/3 ",
        "p  Pooling           \033[94mc\033[0m    -> \033[94mc\033[0m        3/2      ",
        "d  Deconvolution     \033[94mc\033[0m    -> \033[95m\033[1;4md\033[0m                 ",
        "py m.L               \033[41mlost\033[0m -> \033[97m0.5 * \033[1;4ml\033[0m           ",
    ]


def test_mistakes(extra, tmp_path, capsys):
    (tmp_path / "empty.prototxt").write_text('name: "x"')
    assert extra.run("summarize", tmp_path / "empty.prototxt") == 1
    assert "empty.prototxt: this net has no layers" in capsys.readouterr().err
    assert extra.run("summarize", "nowhere.prototxt") == 1
    assert "summarize.py: nowhere.prototxt" in capsys.readouterr().err
